"""Quantization as ONNX spells it: pairs of QuantizeLinear and DequantizeLinear."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.backends.onnx.rules.table import RULES
from mgeconvert.errors import Location, UnsupportedCase
from mgeconvert.ir import DType, Graph, Node, Op, Quant, TensorType, Value
from mgeconvert.ir.op import Array, Arrays, Types, op
from mgeconvert.ir.passes import graph_pass, is_whole
from mgeconvert.ir.quantize import Rounding, dequantize, fake_quantize, quantize

FIRST, ROUND, PER_AXIS, WIDE = 10, 11, 13, 21
STORED = (DType.I8, DType.U8)
STORED_WIDE = (DType.I16, DType.U16)


@op("x")
class QuantizedPair(Op):
    """x rounded by QuantizeLinear and back: half to even, where MegEngine has half away."""

    dtype: DType
    qmin: int
    qmax: int
    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    quant_axis: int | None = None

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        return (types[0],)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        return (fake_quantize(arrays[0], self.quant, rounding=Rounding.EVEN),)

    @property
    def quant(self) -> Quant:
        return Quant(self.dtype, self.qmin, self.qmax, self.scale, self.zero_point, self.quant_axis)


@op("q")
class Dequantized(Op):
    """The numbers that the whole numbers q stand for."""

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    quant_axis: int | None = None

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        return (TensorType(DType.F32, types[0].shape),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        (q,) = arrays
        return (dequantize(q, self.quant(DType.of(q))),)

    def quant(self, dtype: DType) -> Quant:
        limits = np.iinfo(dtype.numpy)
        return Quant(
            dtype, int(limits.min), int(limits.max), self.scale, self.zero_point, self.quant_axis
        )


@graph_pass()
def spell_quantization(graph: Graph) -> bool:
    """Rewrite the annotation of each value to operators behind it, of a constant to whole ones."""
    order = {node: index for index, node in enumerate(graph)}
    computed = [v for node in graph for v in node.outputs]
    whole = {value for value in computed if is_whole(value)}
    changed = False
    for value in (*(p.value for p in graph.inputs), *computed, *graph.constants()):
        quant = value.quant
        if quant is None or not value.is_used:
            continue
        if value.type.dtype is not DType.F32:
            raise UnsupportedCase(f"quantization of {value}", hint="use float32")
        value.quant = None
        if value in whole:
            continue  # it is a number of such steps already
        before = min(value.users, key=lambda n: order[n]) if value.users else None
        if value.const is None:
            _pair(graph, value, quant, before)
        else:
            _stored(graph, value, quant, before)
        changed = True
    return changed


def _at(value: Value) -> Location:
    return value.producer.origin if value.producer else Location("onnx", name=value.name)


def _pair(graph: Graph, value: Value, q: Quant, before: Node[Any] | None) -> None:
    pair = QuantizedPair(
        dtype=q.dtype,
        qmin=q.qmin,
        qmax=q.qmax,
        scale=q.scale,
        zero_point=q.zero_point,
        quant_axis=q.axis,
    )
    new = graph.add(pair, value, name=f"{value.name}.dequantized", at=_at(value), before=before)
    _redirect(graph, value, new)


def _redirect(graph: Graph, old: Value, new: Value) -> None:
    """Replace `old` everywhere but in the node that makes `new` of it."""
    node = new.producer
    assert node is not None
    graph.replace(old, new)
    graph.set_inputs(node, [old])


def _stored(graph: Graph, value: Value, q: Quant, before: Node[Any] | None) -> None:
    assert value.const is not None
    whole = graph.constant(f"{value.name}.quantized", quantize(value.const, q))
    made = Dequantized(scale=q.scale, zero_point=q.zero_point, quant_axis=q.axis)
    new = graph.add(made, whole, name=f"{value.name}.dequantized", at=_at(value), before=before)
    graph.replace(value, new)


@RULES(
    QuantizedPair,
    since=FIRST,
    limits="int8 and uint8; int16 and uint16 from opset 21; int32, in float32, from opset 11",
)
def pair(e: Emitter, node: Node[QuantizedPair]) -> str:
    """Emit both operators, and a Clip before them where the range is narrower than the type's.

    QuantizeLinear makes nothing of 32 bits, so there the rounding is done in float32.
    """
    q, (x,) = node.op.quant, e.inputs(node)
    if q.dtype is DType.I32:
        return _rounded(e, x, q, node.inputs[0].type.rank)
    _judge(e, q.dtype, q.axis)
    x = _limited(e, x, q)
    parameters = _parameters(e, q, q.dtype)
    whole = e.emit("QuantizeLinear", x, *parameters, axis=q.axis)
    return e.emit("DequantizeLinear", whole, *parameters, axis=q.axis)


@RULES(Dequantized, since=FIRST, limits="int8, uint8 and int32; int16 from opset 21")
def dequantized(e: Emitter, node: Node[Dequantized]) -> str:
    """Emit DequantizeLinear; 32 bits take no zero point."""
    (value,) = node.inputs
    dtype = value.type.dtype
    if dtype is not DType.I32:
        _judge(e, dtype, node.op.quant_axis)
    elif node.op.quant_axis is not None and e.opset < PER_AXIS:
        raise e.refuse("a scale for each channel", PER_AXIS)
    q = node.op.quant(dtype)
    scale, zero = _parameters(e, q, dtype)
    zeros = () if dtype is DType.I32 else (zero,)
    return e.emit("DequantizeLinear", e.name(value), scale, *zeros, axis=q.axis)


def _rounded(e: Emitter, x: str, q: Quant, rank: int) -> str:
    """Emit round(x / scale) * scale within the range; the zero point moves the range only."""
    if e.opset < ROUND:
        raise e.refuse(f"quantization to {q.dtype.value}", ROUND)
    if len(set(q.zero_point)) > 1:
        raise UnsupportedCase(f"a zero point for each channel of {q.dtype.value}")
    shape = [-1 if axis == q.axis else 1 for axis in range(rank)] if q.axis is not None else ()
    scale = e.constant(np.array(q.scale, np.float32).reshape(shape), "scale")
    low, high = (float(limit - q.zero_point[0]) for limit in (q.qmin, q.qmax))
    steps = e.emit("Round", e.emit("Div", x, scale))
    limited = e.emit("Clip", steps, e.scalar(low, DType.F32), e.scalar(high, DType.F32))
    return e.emit("Mul", limited, scale)


def _judge(e: Emitter, dtype: DType, axis: int | None) -> None:
    if dtype in STORED_WIDE and e.opset < WIDE:
        raise e.refuse(f"quantization to {dtype.value}", WIDE)
    if dtype not in (*STORED, *STORED_WIDE):
        raise UnsupportedCase(f"quantization to {dtype.value}", hint="use int8, uint8 or int16")
    if axis is not None and e.opset < PER_AXIS:
        raise e.refuse("a scale for each channel", PER_AXIS)


def _parameters(e: Emitter, q: Quant, dtype: DType) -> tuple[str, str]:
    zeros = q.zero_point if len(q.zero_point) == len(q.scale) else q.zero_point * len(q.scale)
    shape = () if q.axis is None else (-1,)
    scale = e.constant(np.array(q.scale, np.float32).reshape(shape), "scale")
    return scale, e.constant(np.array(zeros, dtype.numpy).reshape(shape), "zero_point")


def _limited(e: Emitter, x: str, q: Quant) -> str:
    """Clip to a range that is narrower than the element type's, which ONNX cannot tell."""
    limits = np.iinfo(q.dtype.numpy)
    if (q.qmin, q.qmax) == (limits.min, limits.max):
        return x
    if q.axis is not None:
        raise UnsupportedCase("a narrow range with a scale for each channel of an activation")
    scale, zero = np.float32(q.scale[0]), q.zero_point[0]
    low, high = float(scale * (q.qmin - zero)), float(scale * (q.qmax - zero))
    if e.opset < 11:
        return e.emit("Clip", x, min=low, max=high)
    return e.emit("Clip", x, e.scalar(low, DType.F32), e.scalar(high, DType.F32))


def needed_opset(opset: int) -> None:
    """Raise UnsupportedCase for opsets without quantization."""
    if opset < FIRST:
        raise UnsupportedCase(
            f"opset {opset} has no quantization", hint=f"use opset {FIRST} or newer"
        )

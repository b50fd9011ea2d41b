"""Convolutions and matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.backends.onnx.rules.table import RULES
from mgeconvert.backends.onnx.rules.typed import allowed, carrier, cast_from, emit_typed
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import DType, Node, Value, ops


def ends(pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Return padding as ONNX orders it: all befores, then all afters."""
    return [before for before, _ in pairs] + [after for _, after in pairs]


def _kernel(w: Value) -> list[int] | None:
    return [d for d in w.type.shape[2:] if isinstance(d, int)] or None


@RULES(ops.Conv, since=7)
def conv(e: Emitter, node: Node[ops.Conv]) -> str:
    op = node.op
    _need_float(node.inputs[0], "convolution")
    return e.emit(
        "Conv",
        *e.inputs(node),
        kernel_shape=_kernel(node.inputs[1]),
        strides=list(op.stride),
        pads=ends(op.padding),
        dilations=list(op.dilation),
        group=op.groups,
    )


@RULES(ops.ConvTranspose, since=7)
def conv_transpose(e: Emitter, node: Node[ops.ConvTranspose]) -> str:
    op = node.op
    _need_float(node.inputs[0], "transposed convolution")
    return e.emit(
        "ConvTranspose",
        *e.inputs(node),
        kernel_shape=_kernel(node.inputs[1]),
        strides=list(op.stride),
        pads=ends(op.padding),
        output_padding=list(op.output_padding) if any(op.output_padding) else None,
        dilations=list(op.dilation),
        group=op.groups,
    )


def _need_float(x: Value, what: str) -> None:
    if not x.type.dtype.is_float:
        raise UnsupportedCase(f"no opset can express a {what} of {x.type.dtype.value}")


@RULES(ops.MatMul, since=7)
def mat_mul(e: Emitter, node: Node[ops.MatMul]) -> str:
    return emit_product(e, "MatMul", node.output.type.dtype, *e.inputs(node))


def emit_product(e: Emitter, op_type: str, dtype: DType, *inputs: str, **attributes: Any) -> str:
    """Emit a product; below opset 9 integers go through float64 and are cut back by int64."""
    if not dtype.is_integer or carrier(e, op_type, dtype).is_integer:
        return emit_typed(e, op_type, dtype, *inputs, **attributes)
    if dtype not in (DType.I32, DType.U32) and DType.F64 not in allowed(op_type, e.opset):
        raise e.refuse(f"{op_type} of {dtype.value}", 9)
    wide = [cast_from(e, x, old=dtype, new=DType.F64) for x in inputs]
    whole = cast_from(e, e.emit(op_type, *wide, **attributes), old=DType.F64, new=DType.I64)
    return cast_from(e, whole, old=DType.I64, new=dtype)


@RULES(ops.Linear, since=7)
def linear(e: Emitter, node: Node[ops.Linear]) -> str:
    """Gemm where x is a matrix; else a product with the transposed weights, and Add."""
    x, bias = e.name(node.inputs[0]), [e.name(b) for b in node.inputs[2:]]
    dtype, weights = node.output.type.dtype, node.inputs[1]
    if node.inputs[0].type.rank == 2 and dtype.is_float:
        if not bias and e.opset < 11:
            bias = [e.constant(np.zeros(1, dtype.numpy), "no_bias")]
        return emit_product(e, "Gemm", dtype, x, e.name(weights), *bias, transB=1)
    if weights.const is not None:
        w = e.derived(weights, ".transposed", weights.const.T)
    else:
        w = e.emit("Transpose", e.name(weights), perm=[1, 0])
    product = emit_product(e, "MatMul", dtype, x, w)
    return emit_typed(e, "Add", dtype, product, *bias) if bias else product

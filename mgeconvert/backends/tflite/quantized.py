"""Quantized graphs: which operators compute in whole numbers, and what is between them and floats.

A value with parameters is stored in whole numbers. Where LiteRT has no such kernel, or parameters
are missing, the operator computes in floats between DEQUANTIZE and QUANTIZE, as MegEngine does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mgeconvert.backends.tflite import dialect
from mgeconvert.backends.tflite.dialect import TflDequantize, TflQuantize
from mgeconvert.backends.tflite.kernels import KERNELS, RANGES, Kernel, Wants, fixed, wide
from mgeconvert.backends.tflite.layers import ready_layer, why_not_layer
from mgeconvert.errors import ConversionFailed, InternalError, Location, UnsupportedCase
from mgeconvert.ir import DType, Graph, Node, Quant, Value, ops
from mgeconvert.ir.passes.quant import CARRIES, moved, push_quant
from mgeconvert.ir.quantize import fake_quantize

MOVES = {
    **CARRIES,
    dialect.TflMaxPool: CARRIES[ops.MaxPool],
    dialect.TflDepthToSpace: CARRIES[ops.DepthToSpace],
}
"""Operators that keep numbers, so that rounding before and after them is the same."""


SHIFT_8, SHIFT_16 = 2.0**19, 2.0**14
"""Half of what ADD multiplies by before it rescales, for 8 and for 16 bits."""

AVERAGES = (dialect.TflAvgPool, dialect.TflResize)
"""Operators that round to the steps of their operand, and make numbers between them."""

FINER = 2.0
"""How many times finer a result's steps may be, so that it is a step off at most."""


@dataclass
class Spelling:
    """What has been inserted: floats of quantized values, and values with other parameters."""

    graph: Graph
    int64_bias: bool
    floats: dict[Value, Value] = field(default_factory=dict)
    rescaled: dict[tuple[Value, Quant], Value] = field(default_factory=dict)
    in_floats: dict[str, None] = field(default_factory=dict)


def need_storable(graph: Graph) -> None:
    """Raise ConversionFailed with all the activations of types that TFLite does not store."""
    values = (*(p.value for p in graph.inputs), *(v for node in graph for v in node.outputs))
    problems = [
        UnsupportedCase(
            f"quantization to {value.quant.dtype.value}: TFLite stores activations as int8, uint8 "
            "or int16",
            at=Location("tflite", name=value.name),
            hint="give it parameters of one of these in quantization.params",
        )
        for value in values
        if value.quant is not None and value.quant.dtype not in RANGES
    ]
    if problems:
        raise ConversionFailed(problems)


def spread_quant(graph: Graph) -> bool:
    """Give values without parameters those of what they are moved from, or moved to."""
    changed = False
    for node in list(graph)[::-1]:
        changed |= _pull(node)
    return push_quant(graph, MOVES) or changed


def _pull(node: Node[Any]) -> bool:
    carry, quant = MOVES.get(type(node.op)), node.outputs[0].quant
    if carry is None or quant is None or quant.axis is not None:
        return False
    if any(v.quant != quant for v in node.outputs):
        return False
    changed = False
    for x in moved(node):
        alone = x.producer is not None and len(x.users) == 1 and not x.is_output
        if alone and x.quant is None and carry(node, quant) == quant:
            x.quant = quant
            changed = True
    return changed


def remove_relus(graph: Graph) -> bool:
    """Rewrite relu(x) to x where the parameters of both cannot express negative numbers."""
    changed = False
    for node in graph:
        if not isinstance(node.op, ops.Relu):
            continue
        (x,), quant = node.inputs, node.output.quant
        if quant is None or x.quant != quant or quant.axis is not None or x.producer is None:
            continue
        if quant.zero_point[0] == quant.qmin:
            graph.replace_node(node, x)
            changed = True
    return changed


def spell_quantization(graph: Graph, *, int64_bias: bool) -> tuple[str, ...]:
    """Insert QUANTIZE and DEQUANTIZE; return notes on what computes in floats."""
    state = Spelling(graph, int64_bias)
    nodes = list(graph)
    _clamp_inputs(state)
    for node, after in zip(nodes, [*nodes[1:], None]):
        if not any(v.quant for v in (*node.inputs, *node.outputs)):
            continue
        reason = _why_not(node)
        if reason:
            state.in_floats.setdefault(f"{type(node.op).__name__} computes in floats: {reason}")
            _in_floats(state, node, after)
        else:
            _in_whole_numbers(state, node, after)
    return tuple(state.in_floats)


def _clamp_inputs(state: Spelling) -> None:
    """Keep inputs within ranges that are not their type's own: in a file they take any number."""
    first = next(iter(state.graph), None)
    for port in state.graph.inputs:
        x, quant = port.value, port.value.quant
        if quant is not None and quant.axis is None and first is not None:
            x.quant = wide(quant)
            _rounded(state, x, quant, first)


def _why_not(node: Node[Any]) -> str:
    """Return why LiteRT cannot compute `node` in whole numbers, "" where it can."""
    kernel = KERNELS.get(type(node.op))
    if kernel is None:
        return "LiteRT has no kernel"
    data = _data(node, kernel)
    types = {v.quant.dtype for v in data if v.quant}
    if any(v.quant is None for v in (*data, *node.outputs)):
        return "some of its tensors have no parameters"
    types |= {v.quant.dtype for v in node.outputs if v.quant}
    if len(types) != 1 or not types <= kernel.types:
        return f"there is none for {', '.join(sorted(t.value for t in types))}"
    if any(v.quant.axis is not None for v in (*data, *node.outputs) if v.quant):
        return "activations have a scale for each channel"
    if types == {DType.I16} and any(v.quant.zero_point[0] for v in data if v.quant):
        return "int16 wants the zero point 0"
    if isinstance(node.op, (ops.Add, ops.Sub)) and not _can_add(node):
        return "the scales of operands and result are too far apart"
    if isinstance(node.op, AVERAGES) and _steps(node.inputs[0]) > FINER * _steps(node.outputs[0]):
        return "the steps of its result are finer than its operand's"
    return why_not_layer(node) if kernel.wants is Wants.LAYER else ""


def _steps(value: Value) -> float:
    assert value.quant is not None
    return value.quant.scale[0]


def _can_add(node: Node[Any]) -> bool:
    """Return whether the shifts of the kernel reach: it aborts where they do not."""
    result = node.outputs[0].quant
    assert result is not None
    most = max(v.quant.scale[0] for v in node.inputs if v.quant)
    return most / result.scale[0] < (SHIFT_16 if result.dtype is DType.I16 else SHIFT_8)


def _data(node: Node[Any], kernel: Kernel) -> tuple[Value, ...]:
    """Return the operands that are activations."""
    count = 1 if kernel.wants is Wants.LAYER else kernel.operands
    return node.inputs[:count]


def _in_floats(state: Spelling, node: Node[Any], after: Node[Any] | None) -> None:
    inputs = [_as_float(state, x, node) for x in node.inputs]
    state.graph.set_inputs(node, inputs)
    for y in node.outputs:
        if y.quant is not None:
            quant, y.quant = y.quant, None
            _rounded(state, y, quant, after)


def _as_float(state: Spelling, x: Value, node: Node[Any]) -> Value:
    if x.quant is None:
        return x
    if x not in state.floats:
        if x.const is not None:
            state.floats[x] = state.graph.constant(x.name, fake_quantize(x.const, x.quant))
        else:
            made = _after(state, TflDequantize(), x, node)
            state.floats[x] = made
    return state.floats[x]


def _after(state: Spelling, op: Any, x: Value, before: Node[Any] | None, *others: Value) -> Value:
    producer = x.producer
    at = producer.origin if producer is not None else before.origin if before else None
    if at is None:
        raise InternalError(f"{x} comes from nowhere")
    return state.graph.add(op, x, *others, name=x.name, at=at, before=before)


def _in_whole_numbers(state: Spelling, node: Node[Any], after: Node[Any] | None) -> None:
    kernel = KERNELS[type(node.op)]
    if kernel.wants is Wants.LAYER:
        ready_layer(state.graph, node, int64_bias=state.int64_bias)
    data = _data(node, kernel)
    for y in node.outputs:
        wanted = y.quant
        assert wanted is not None
        y.quant = _own(node, kernel, data, wanted)
        if kernel.wants is Wants.EQUAL and len(data) > 1:
            inputs = [_rescaled(state, x, y.quant, node) for x in data]
            state.graph.set_inputs(node, [*inputs, *node.inputs[len(data) :]])
        if y.quant != wanted:
            _rounded(state, y, wanted, after)


def _own(node: Node[Any], kernel: Kernel, data: Sequence[Value], wanted: Quant) -> Quant:
    """Return the parameters that the kernel gives its result."""
    if kernel.wants is Wants.FIXED:
        return fixed(type(node.op), wanted.dtype)
    if kernel.wants is Wants.EQUAL and len(data) == 1:
        first = data[0].quant
        assert first is not None
        return first
    return wanted if kernel.wants is Wants.EQUAL and _are(data, wanted) else wide(wanted)


def _are(data: Sequence[Value], quant: Quant) -> bool:
    return all(v.quant == quant for v in data)


def _rescaled(state: Spelling, x: Value, quant: Quant, node: Node[Any]) -> Value:
    """Return x with the parameters `quant`."""
    if x.quant == quant:
        return x
    if x.const is not None and x.quant is not None:
        made = state.graph.constant(x.name, fake_quantize(x.const, x.quant))
        made.quant = quant
        return made
    if (x, quant) not in state.rescaled:
        made = _after(state, TflQuantize(quant=quant), x, node)
        made.quant = quant
        state.rescaled[x, quant] = made
    return state.rescaled[x, quant]


def _rounded(state: Spelling, y: Value, quant: Quant, after: Node[Any] | None) -> None:
    """Make the users of y use what it is with the parameters `quant`."""
    graph, full = state.graph, wide(quant)
    users, is_output = y.users, y.is_output
    if not users and not is_output:
        return
    z = y
    if y.quant != full:
        z = _after(state, TflQuantize(quant=full), y, after)
        z.quant = full
    z = _clamped(state, z, quant, after)
    _take_over(graph, y, z, users)


def _clamped(state: Spelling, z: Value, quant: Quant, after: Node[Any] | None) -> Value:
    """Return z within qmin and qmax where those are not the type's own."""
    scale, zero = quant.scale[0], quant.zero_point[0]
    for limit, type_limit, op in zip(
        (quant.qmin, quant.qmax), RANGES[quant.dtype], (ops.Maximum(), ops.Minimum())
    ):
        if limit == type_limit:
            continue
        number = np.array(scale * (limit - zero), np.float32)
        bound = state.graph.constant(f"{z.name}.limit", number)
        bound.quant = z.quant
        y = _after(state, op, z, after, bound)
        y.quant = z.quant
        z = y
    if z.quant != quant:
        z.quant = replace(quant)
    return z


def _take_over(graph: Graph, y: Value, z: Value, before: Sequence[Node[Any]]) -> None:
    """Make the users that y had `before`, and its ports, use z."""
    if z is y:
        return
    users = set(before)
    made_from_y = [n for n in y.users if n not in users]
    graph.replace(y, z)
    for node in made_from_y:  # what leads from y to z still reads y
        graph.set_inputs(node, [y if v is z else v for v in node.inputs])
    graph.take_name(z, y)

"""Carrying quantization parameters to the values that have them without saying so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from mgeconvert.ir import ops
from mgeconvert.ir.graph import Graph, Node, Value
from mgeconvert.ir.passes.pipeline import graph_pass
from mgeconvert.ir.quantize import bias_quant, fake_quantize
from mgeconvert.ir.types import Quant

Carry = Callable[[Node[Any], Quant], "Quant | None"]

LAYERS: dict[type, int] = {ops.Conv: 0, ops.Linear: 0}
"""Operators with input, weights and bias, and the axis of the output channels in the weights."""


@graph_pass()
def propagate_quant(graph: Graph) -> bool:
    """Annotate the result of an operator that keeps the numbers of its quantized operand.

    Where the result has parameters of its own these stay; where operands differ nothing is said.
    """
    return push_quant(graph, CARRIES)


def push_quant(graph: Graph, carries: Mapping[type, Carry]) -> bool:
    """Annotate results by the rules `carries`; return whether any was."""
    changed = False
    for node in graph:
        quant = carried(node, carries)
        if quant is None:
            continue
        for value in node.outputs:
            if value.quant is None and value.type.dtype.is_float:
                value.quant = quant
                changed = True
    return changed


def moved(node: Node[Any]) -> tuple[Value, ...]:
    """Return the operands whose numbers a node of the tables keeps."""
    return node.inputs if node.op.variadic else node.inputs[:1]


def carried(node: Node[Any], carries: Mapping[type, Carry] | None = None) -> Quant | None:
    """Return the parameters that express every result of `node` exactly, from its operands'.

    carries: what becomes of the parameters, by operator; CARRIES where it is left out
    """
    carry = (CARRIES if carries is None else carries).get(type(node.op))
    quants = {value.quant for value in moved(node)}
    if carry is None or len(quants) != 1:
        return None
    (quant,) = quants
    return None if quant is None else carry(node, quant)


@graph_pass()
def quantize_before_relu(graph: Graph) -> bool:
    """Give the operand of a quantized relu the relu's parameters: both orders round alike.

    relu(fake_quantize(x)) = fake_quantize(relu(x)), for 0 is on the grid; kernels that compute a
    layer in whole numbers want the parameters right behind it.
    """
    changed = False
    for node in graph:
        quant = node.outputs[0].quant
        if quant is None or not isinstance(node.op, ops.Relu):
            continue
        (x,) = node.inputs
        alone = len(x.users) == 1 and not x.is_output and x.producer is not None
        if alone and x.quant is None and quant.axis is None:
            x.quant = quant
            changed = True
    return changed


@graph_pass(after=(propagate_quant,))
def quantize_biases(graph: Graph) -> bool:
    """Give the float bias of a layer with quantized input and weights its 32 bits."""
    changed = False
    for node in graph:
        axis = LAYERS.get(type(node.op))
        if isinstance(node.op, ops.ConvTranspose) and node.op.groups == 1:
            axis = 1
        if axis is None or len(node.inputs) < 3:
            continue
        x, w, b = node.inputs
        if b.const is None or x.quant is None or w.quant is None or len(x.quant.scale) != 1:
            continue
        if w.quant.axis not in (None, axis):
            continue
        quant = bias_quant(x.quant, w.quant, axis=axis)
        if b.quant == quant:
            continue
        own = graph.constant(b.name, b.const)  # another layer may need another scale
        own.quant = quant
        graph.set_inputs(node, [x, w, own])
        graph.take_name(own, b)
        changed = True
    return changed


@graph_pass()
def round_constants(graph: Graph) -> bool:
    """Rewrite each annotated constant to the numbers that its parameters can express."""
    changed = False
    for value in graph.constants():
        if value.quant is None or value.const is None or not value.type.dtype.is_float:
            continue
        rounded = graph.constant(value.name, fake_quantize(value.const, value.quant))
        rounded.quant = value.quant
        graph.replace(value, rounded)
        graph.take_name(rounded, value)
        changed = True
    return changed


def _same(node: Node[Any], quant: Quant) -> Quant | None:
    return quant


def _whole(node: Node[Any], quant: Quant) -> Quant | None:
    """Where the axis does not survive, parameters of the whole tensor do."""
    return quant if quant.axis is None else None


def _transposed(node: Node[Any], quant: Quant) -> Quant | None:
    return quant if quant.axis is None else replace(quant, axis=node.op.perm.index(quant.axis))


def _unsqueezed(node: Node[Any], quant: Quant) -> Quant | None:
    if quant.axis is None:
        return quant
    kept = [i for i in range(node.output.type.rank) if i not in node.op.added]
    return replace(quant, axis=kept[quant.axis])


def _squeezed(node: Node[Any], quant: Quant) -> Quant | None:
    if quant.axis is None:
        return quant
    if quant.axis in node.op.squeezed:
        return Quant(quant.dtype, quant.qmin, quant.qmax, quant.scale, quant.zero_point)
    return replace(quant, axis=quant.axis - sum(a < quant.axis for a in node.op.squeezed))


def _reshaped(node: Node[Any], quant: Quant) -> Quant | None:
    """An axis survives where all before it, and itself, have the same sizes."""
    if quant.axis is None:
        return quant
    end = quant.axis + 1
    same = node.inputs[0].type.shape[:end] == node.output.type.shape[:end]
    return quant if same else None


def _padded(node: Node[Any], quant: Quant) -> Quant | None:
    """A constant border must be a number that the parameters can express."""
    if quant.axis is not None:
        return None
    if node.op.mode != "constant":
        return quant
    border = np.array([node.op.value], np.float32)
    return quant if fake_quantize(border, quant)[0] == border[0] else None


def _clipped(node: Node[Any], quant: Quant) -> Quant | None:
    """The bounds must be numbers that the parameters can express, or be out of their reach."""
    if quant.axis is not None:
        return None
    scale, zero = np.float32(quant.scale[0]), quant.zero_point[0]
    reach = float(scale * (quant.qmin - zero)), float(scale * (quant.qmax - zero))
    bounds = (node.op.low, node.op.low <= reach[0]), (node.op.high, node.op.high >= reach[1])
    for bound, outside in bounds:
        number = np.array([bound], np.float32)
        if not outside and fake_quantize(number, quant)[0] != number[0]:
            return None
    return quant


def _resized(node: Node[Any], quant: Quant) -> Quant | None:
    return _whole(node, quant) if node.op.mode == "nearest" else None


CARRIES: dict[type, Carry] = {
    ops.Identity: _same,
    ops.Relu: _same,
    ops.MaxPool: _same,
    ops.Clip: _clipped,
    ops.Reshape: _reshaped,
    ops.Squeeze: _squeezed,
    ops.Unsqueeze: _unsqueezed,
    ops.Transpose: _transposed,
    ops.Pad: _padded,
    ops.Resize: _resized,
    **dict.fromkeys(
        (
            *(ops.Expand, ops.Concat, ops.Split, ops.Slice, ops.Tile, ops.DepthToSpace),
            *(ops.Gather, ops.GatherElements, ops.GatherNd, ops.ReduceMax, ops.ReduceMin),
        ),
        _whole,
    ),
}
"""Operators that keep numbers, and what becomes of the parameters."""

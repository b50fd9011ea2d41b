"""Sparing the transposition behind an unflatten whose features come from constant weights."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from mgeconvert.ir.graph import Graph, Node, Value
from mgeconvert.ir.mapped import forget
from mgeconvert.ir.op import Array, Layout
from mgeconvert.ir.ops import Linear, MatMul, Reshape
from mgeconvert.ir.passes.layout.groups import groups
from mgeconvert.ir.passes.layout.network import collapsed
from mgeconvert.ir.passes.layout.settle import settle_transposes
from mgeconvert.ir.passes.pipeline import graph_pass
from mgeconvert.ir.types import Quant


@graph_pass(after=(settle_transposes,))
def permute_weights_before_unflatten(graph: Graph) -> bool:
    """Rewrite transpose(unflatten(linear(x, w, b))) to unflatten(linear(x, w', b')), permuted.

    Between the layer and the unflatten there may be elementwise operators with constants.
    """
    changed = False
    for node in graph:
        if collapsed(node):
            order = _new_order(node)
            chain = None if order is None else _makers(node.inputs[0], order)
            if order is not None and chain is not None:
                _rewrite(graph, node, chain, order)
                changed = True
    return changed


def _new_order(node: Node[Any]) -> Array | None:
    """Return for each feature which one it has to be without the transposition."""
    split, perm = node.inputs[0].producer, node.op.perm
    if split is None or not isinstance(split.op, Reshape):
        return None
    flat, shape = split.inputs[0].type.shape, split.op.shape
    found = groups(flat, shape)
    if not found or found[-1][0] != (len(flat) - 1,):
        return None
    axes = found[-1][1]
    sizes = tuple(size for axis in axes if isinstance(size := shape[axis], int))
    moved = [axis for axis in perm if shape[axis] != 1]
    rest = [axis for axis in moved if axis not in axes]
    if len(sizes) < len(axes) or moved[: len(rest)] != sorted(rest):
        return None
    order = [axes.index(axis) for axis in moved[len(rest) :]]
    places: Array = np.arange(math.prod(sizes)).reshape(sizes).transpose(order).reshape(-1)
    return places


def _makers(value: Value, order: Array) -> list[Node[Any]] | None:
    """Return the nodes from the unflatten up to the layer; None where others see the features."""
    chain: list[Node[Any]] = []
    while True:
        node = value.producer
        if node is None or len(value.users) != 1 or value.is_output:
            return None
        if chain and value.quant is not None and value.quant.axis is not None:
            return None
        chain.append(node)
        if isinstance(node.op, (Linear, MatMul)):
            return chain if _is_layer(node, order.size) else None
        operands = [v for v in node.inputs if v.const is None]
        if len(operands) != 1 or not (len(chain) == 1 or _permits(node, order.size)):
            return None
        (value,) = operands


def _is_layer(node: Node[Any], count: int) -> bool:
    constant = all(v.const is not None for v in node.inputs[1:])
    return constant and node.output.type.shape[-1] == count


def _permits(node: Node[Any], count: int) -> bool:
    """Return whether features may be put in another order before an elementwise operator."""
    if node.op.layout is not Layout.AGNOSTIC:
        return False
    rank = node.outputs[0].type.rank
    data = all(v.type.rank == rank for v in node.inputs if v.const is None)
    constants = [v.type.shape for v in node.inputs if v.const is not None and v.type.rank]
    return data and all(shape[-1] in (1, count) for shape in constants)


def _rewrite(graph: Graph, node: Node[Any], chain: list[Node[Any]], order: Array) -> None:
    split = chain[0]
    for user in chain[1:]:
        graph.set_inputs(user, [_permuted(graph, user, v, order) for v in user.inputs])
    new = graph.add(
        Reshape(shape=node.output.type.shape),
        split.inputs[0],
        name=node.output.name,
        at=split.origin,
        before=node,
    )
    new.quant = node.output.quant
    graph.replace_node(node, new)
    graph.remove(split)


def _permuted(graph: Graph, user: Node[Any], value: Value, order: Array) -> Value:
    """Return an operand of `user`, in the new order if it is a constant that has the features."""
    layer = isinstance(user.op, (Linear, MatMul))
    if value.const is None or not value.type.rank or (layer and value is user.inputs[0]):
        return value
    rows = isinstance(user.op, Linear) and value is user.inputs[1]
    axis = 0 if rows else value.type.rank - 1
    if value.type.shape[axis] != order.size:
        return value
    new = graph.constant(value.name, np.take(value.const, order, axis))
    forget(value.const)
    new.quant = _reordered(value.quant, axis, order)
    graph.take_name(new, value)
    return new


def _reordered(quant: Quant | None, axis: int, order: Array) -> Quant | None:
    """Return the parameters of a constant whose entries along `axis` are in another order."""
    if quant is None or quant.axis != axis:
        return quant

    def taken(numbers: tuple[Any, ...]) -> tuple[Any, ...]:
        return numbers if len(numbers) == 1 else tuple(numbers[i] for i in order)

    return replace(quant, scale=taken(quant.scale), zero_point=taken(quant.zero_point))

"""Sparing the transposition behind an unflatten whose features come from constant weights."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from mgeconvert.ir.graph import Graph, Node, Value
from mgeconvert.ir.mapped import forget
from mgeconvert.ir.op import Array, Layout
from mgeconvert.ir.ops import Linear, MatMul, Reshape, Transpose
from mgeconvert.ir.passes.layout.groups import groups
from mgeconvert.ir.passes.layout.network import collapsed
from mgeconvert.ir.passes.layout.perms import Perm, permuted, restricted
from mgeconvert.ir.passes.layout.quant import permuted_quant, viewed_quant
from mgeconvert.ir.passes.layout.settle import settle_transposes
from mgeconvert.ir.passes.pipeline import graph_pass
from mgeconvert.ir.types import Quant


@graph_pass(after=(settle_transposes,))
def permute_weights_before_unflatten(graph: Graph) -> bool:
    """Rewrite transpose(unflatten(linear(x, w, b))) to unflatten(linear(x, w', b')), permuted.

    Between these there may be elementwise operators with constants.
    """
    changed = False
    for node in graph:
        path = _path(node) if collapsed(node) else None
        order = None if path is None else _new_order(path[-1], node.op.perm)
        chain = None if path is None or order is None else _makers(path[-1].output, order)
        if path is not None and order is not None and chain is not None:
            _rewrite(graph, chain, order)
            _move_up(graph, node, path)
            changed = True
    return changed


def _path(node: Node[Transpose]) -> list[Node[Any]] | None:
    """Return the nodes from a transposition up to the unflatten, None if there is another one."""
    path: list[Node[Any]] = []
    value = node.inputs[0]
    while True:
        maker = value.producer
        if maker is None or len(value.users) != 1 or value.is_output:
            return None
        path.append(maker)
        if isinstance(maker.op, Reshape):
            return path
        operands = [v for v in maker.inputs if v.const is None]
        rank = maker.outputs[0].type.rank
        if maker.op.layout is not Layout.AGNOSTIC or len(operands) != 1:
            return None
        (value,) = operands
        if value.type.rank != rank:
            return None


def _new_order(split: Node[Reshape], perm: Perm) -> Array | None:
    """Return for each feature which one it has to be without the transposition."""
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


def _rewrite(graph: Graph, chain: list[Node[Any]], order: Array) -> None:
    """Give the layer, and what is between it and the unflatten, constants in the new order."""
    for user in chain[1:]:
        graph.set_inputs(user, [_permuted(graph, user, v, order) for v in user.inputs])


def _move_up(graph: Graph, node: Node[Transpose], path: list[Node[Any]]) -> None:
    """Let the unflatten, and what is between it and the transposition, have its layout at once."""
    perm = node.op.perm
    *between, split = path
    value = split.inputs[0]
    for old in (split, *reversed(between)):
        op = replace(split.op, shape=permuted(split.op.shape, perm)) if old is split else old.op
        inputs = [value if v.const is None else _laid_out(graph, v, perm) for v in old.inputs]
        value = graph.add(op, *inputs, name=old.output.name, at=old.origin, before=node)
        value.quant = permuted_quant(old.output.quant, perm)
        graph.take_name(value, old.output)
    graph.replace_node(node, value)
    for old in path:
        graph.remove(old)


def _laid_out(graph: Graph, value: Value, perm: Perm) -> Value:
    """Return a constant operand in another layout of the result."""
    if value.const is None or not value.type.rank:
        return value
    full = (1,) * (len(perm) - value.type.rank) + value.const.shape
    array = np.ascontiguousarray(value.const.reshape(full).transpose(perm))
    new = graph.constant(value.name, array)
    own = restricted(perm, value.type.rank)
    moved = permuted_quant(value.quant, own)
    new.quant = viewed_quant(moved, permuted(value.type.shape, own), array.shape)
    graph.take_name(new, value)
    return new


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

"""Sparing the transposition before a flatten whose features go to constant weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from mgeconvert.ir.graph import Graph, Node, Value
from mgeconvert.ir.mapped import forget
from mgeconvert.ir.op import Array, Layout
from mgeconvert.ir.ops import Concat, Linear, MatMul, Reshape
from mgeconvert.ir.passes.layout.groups import groups
from mgeconvert.ir.passes.layout.network import collapsed
from mgeconvert.ir.passes.layout.settle import settle_transposes
from mgeconvert.ir.passes.pipeline import graph_pass

Features = dict[Value, Array]
"""Values with another order of their last axis: for each new place the old one."""


@graph_pass(after=(settle_transposes,))
def permute_weights_after_flatten(graph: Graph) -> bool:
    """Rewrite linear(flatten(transpose(x)), w) to linear(flatten(x), w') with permuted weights.

    Between flatten and weights there may be elementwise operators with constants, and concats.
    """
    changed = False
    for node in graph:
        if isinstance(node.op, Reshape) and node.output.is_used:
            order = _new_order(node)
            moved = None if order is None else _followed(node.output, order)
            if moved is not None:
                _rewrite(graph, node, moved)
                changed = True
    return changed


def _new_order(node: Node[Reshape]) -> Array | None:
    """Return the order of the features without the transposition before the flatten."""
    moved = node.inputs[0].producer
    if moved is None or not collapsed(moved):
        return None
    shape, target = moved.output.type.shape, node.op.shape
    found = groups(shape, target)
    if not found or found[-1][1] != (len(target) - 1,):
        return None
    flat = found[-1][0]
    sizes = tuple(size for axis in flat if isinstance(size := shape[axis], int))
    perm = moved.op.perm
    rest = [perm[axis] for axis, size in enumerate(shape) if size != 1 and axis not in flat]
    straight = sorted(perm[axis] for axis in flat)
    if len(sizes) < len(flat) or rest + straight != sorted(rest + straight):
        return None
    by_source = sorted(range(len(flat)), key=lambda i: perm[flat[i]])
    order: Array = np.arange(math.prod(sizes)).reshape(sizes).transpose(by_source).reshape(-1)
    return order


def _followed(flat: Value, order: Array) -> Features | None:
    """Return all values that get another order; None where one is seen by something else."""
    moved: Features = {flat: order}
    queue, waiting = [flat], set[Node[Any]]()
    for value in queue:
        if value.is_output or _axis(value) is not None:
            return None
        for user in value.users:
            if _waits(user, moved):
                waiting.add(user)
                continue
            waiting.discard(user)
            result = _result_order(user, moved)
            if result is None or not _agrees(user, result, moved):
                return None
            if result.size and user.output not in moved:
                moved[user.output] = result
                queue.append(user.output)
    return None if waiting else moved


def _waits(node: Node[Any], moved: Mapping[Value, Array]) -> bool:
    """Return whether an operand of an elementwise operator is not known to be moved."""
    return node.op.layout is Layout.AGNOSTIC and any(
        v.const is None and v not in moved for v in node.inputs
    )


def _agrees(node: Node[Any], result: Array, moved: Mapping[Value, Array]) -> bool:
    """Return whether the result has no other order from an earlier look."""
    known = moved.get(node.outputs[0])
    return known is None or np.array_equal(known, result)


def _result_order(node: Node[Any], moved: Mapping[Value, Array]) -> Array | None:
    """Return the order of a user's results, empty if that is as before; None if it cannot be."""
    if isinstance(node.op, (Linear, MatMul)):
        rows = 1 if isinstance(node.op, Linear) else node.inputs[1].type.rank - 2
        x, w, *bias = node.inputs
        constant = w.const is not None and _axis(w) != rows
        return np.arange(0) if constant and x in moved and moved.keys().isdisjoint(bias) else None
    if isinstance(node.op, Concat) and node.op.axis == node.output.type.rank - 1:
        return _joined(node, moved)
    if node.op.layout is not Layout.AGNOSTIC:
        return None
    orders = [moved[v] for v in node.inputs if v in moved]
    rank, same = node.outputs[0].type.rank, orders[0]
    if any(o is not same and not np.array_equal(o, same) for o in orders):
        return None
    full = all(v.type.rank == rank for v in node.inputs if v in moved)
    fits = all(v in moved or _fits(v, same.size) for v in node.inputs)
    return same if full and fits else None


def _fits(value: Value, count: int) -> bool:
    """Return whether `value` is a constant whose features can be put in another order."""
    if value.const is None or (value.type.rank and _axis(value) == value.type.rank - 1):
        return False
    return value.type.rank == 0 or value.type.shape[-1] in (1, count)


def _axis(value: Value) -> int | None:
    return None if value.quant is None else value.quant.axis


def _joined(node: Node[Concat], moved: Mapping[Value, Array]) -> Array | None:
    start, parts = 0, []
    for value in node.inputs:
        size = value.type.shape[-1]
        if not isinstance(size, int):
            return None
        parts.append(start + moved.get(value, np.arange(size)))
        start += size
    return np.concatenate(parts)


def _rewrite(graph: Graph, node: Node[Reshape], moved: Features) -> None:
    transposed = node.inputs[0].producer
    assert transposed is not None
    for user in dict.fromkeys(user for value in moved for user in value.users):
        inputs = [_permuted(graph, user, v, moved) for v in user.inputs]
        graph.set_inputs(user, inputs)
    x = transposed.inputs[0]
    new = graph.add(node.op, x, name=node.output.name, at=node.origin, before=node)
    new.quant = node.output.quant
    graph.replace_node(node, new)
    if not transposed.output.is_used:
        graph.take_name(x, transposed.output)
        graph.remove(transposed)


def _permuted(graph: Graph, user: Node[Any], value: Value, moved: Features) -> Value:
    """Return an operand of `user`, in the new order if it is a constant that has the features."""
    if value.const is None or isinstance(user.op, Concat):
        return value
    axis = value.type.rank - 1
    if isinstance(user.op, (Linear, MatMul)):
        if value is not user.inputs[1]:
            return value
        axis -= isinstance(user.op, MatMul)
    order = next(moved[v] for v in user.inputs if v in moved)
    if not value.type.rank or value.type.shape[axis] != order.size:
        return value
    new = graph.constant(value.name, np.take(value.const, order, axis))
    forget(value.const)
    new.quant = value.quant
    graph.take_name(new, value)
    return new

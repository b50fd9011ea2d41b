"""Broadcasting: LiteRT's elementwise kernels of all versions do so over four axes."""

from __future__ import annotations

import math
from typing import Any

from mgeconvert.backends.tflite.legalize.table import LEGAL, Rewriter
from mgeconvert.ir import Node, Value, ops

BROADCAST_RANK = 4
"""Above it, older kernels need operands of equal shapes."""

BINARY = (
    *(ops.Add, ops.Sub, ops.Mul, ops.Div, ops.Mod, ops.Maximum, ops.Minimum, ops.And, ops.Or),
    *(ops.Equal, ops.NotEqual, ops.Less, ops.LessEqual, ops.Greater, ops.GreaterEqual, ops.Where),
)


@LEGAL(*BINARY)
def broadcast(b: Rewriter, node: Node[Any]) -> Value | None:
    return with_merged_axes(b, node)


def with_merged_axes(b: Rewriter, node: Node[Any]) -> Value | None:
    """Broadcasting of more than four axes: where axes beside each other act alike, they are one."""
    shape = node.output.type.shape
    if len(shape) <= BROADCAST_RANK or all(v.type.shape == shape for v in node.inputs):
        return None
    return _merged(b, node)


def _merged(b: Rewriter, node: Node[Any]) -> Value:
    shape = node.output.type.shape
    rank = len(shape)
    wide = [(1,) * (rank - v.type.rank) + v.type.shape for v in node.inputs]
    groups: list[list[int]] = []
    for axis in range(rank):
        acts = [s[axis] == shape[axis] for s in wide]
        if groups and acts == [s[groups[-1][-1]] == shape[groups[-1][-1]] for s in wide]:
            groups[-1].append(axis)
        else:
            groups.append([axis])
    if len(groups) > BROADCAST_RANK:
        return b.emit(node.op, *(b.expand(v, shape) for v in node.inputs))
    merged = []
    for value, sizes in zip(node.inputs, wide):
        target = [math.prod([1, *(sizes[a] for a in group)]) for group in groups]
        merged.append(b.reshape(value, target))
    return b.reshape(b.emit(node.op, *merged), shape)

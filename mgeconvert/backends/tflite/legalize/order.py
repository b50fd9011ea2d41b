"""Orderings: sorting, the greatest elements, and suppression of boxes by better ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mgeconvert.backends.tflite.dialect import TflNonMaxSuppression, TflTopK
from mgeconvert.backends.tflite.legalize.table import LEGAL, Rewriter
from mgeconvert.ir import DType, Node, Value, ops

ARG_BY_EQUALITY = (DType.I64, DType.U32)
"""Element types without a kernel of ARG_MAX, nor a wider type that has one."""


@LEGAL(ops.TopK)
def top_k(b: Rewriter, node: Node[ops.TopK]) -> Sequence[Value]:
    """TOPK_V2 finds the greatest of the last axis; the least are the greatest of -x, or of -1 - x.

    The latter, for whole numbers, does not overflow.
    """
    (x,) = node.inputs
    op, rank = node.op, x.type.rank
    if op.k == 0:
        none = b.slice(x, [(0, 0, 1) if i == op.axis else None for i in range(rank)])
        return none, b.cast(none, DType.I64)
    perm = [*(i for i in range(rank) if i != op.axis), op.axis]
    back = [perm.index(i) for i in range(rank)]
    moved = x if op.axis == rank - 1 else b.transpose(x, perm)
    ordered = moved if op.largest else _reversed(b, moved)
    values, indices = b.emit_multi(TflTopK(k=op.k), ordered)
    values = values if op.largest else _reversed(b, values)
    if op.axis != rank - 1:
        values, indices = b.transpose(values, back), b.transpose(indices, back)
    return values, b.cast(indices, DType.I64)


def _reversed(b: Rewriter, x: Value) -> Value:
    if x.type.dtype.is_float:
        return b.emit(ops.Neg(), x)
    if x.type.dtype is DType.BOOL:
        return b.emit(ops.Not(), x)
    ones = b.constant(np.array(~np.zeros((), x.type.dtype.numpy)), f"{b.name}.ones")
    return b.emit(ops.Sub(), ones, x)


@LEGAL(ops.ArgMax, ops.ArgMin)
def arg(b: Rewriter, node: Node[Any]) -> Value | None:
    """The kernel drops the axis; for int64 it is asked where the extreme element is."""
    (x,) = node.inputs
    op = node.op
    if op.keepdims:
        return b.unsqueeze(b.emit(type(op)(axis=op.axis), x), [op.axis])
    if x.type.dtype not in ARG_BY_EQUALITY:
        return None
    extreme = ops.ReduceMax if isinstance(op, ops.ArgMax) else ops.ReduceMin
    best = b.emit(extreme(reduced=(op.axis,), keepdims=True), x)
    return b.emit(ops.ArgMax(axis=op.axis), b.emit(ops.Equal(), x, best))


@LEGAL(ops.NonMaxSuppression)
def non_max_suppression(b: Rewriter, node: Node[ops.NonMaxSuppression]) -> Value:
    """The kernel drops boxes at the threshold, too, and leaves the order of equal scores open.

    So it gets the next greater threshold, and the boxes in order, with their ranks as scores.
    """
    boxes, scores = (b.cast(v, DType.F32) for v in node.inputs)
    op = node.op
    (count,) = scores.type.shape
    _, order = b.emit_multi(TflTopK(k=count), scores)
    ranks = b.emit(ops.Neg(), b.cast(b.emit(ops.Range(count=count)), DType.F32))
    b.session.counted.add(order)
    made = TflNonMaxSuppression(
        threshold=_above(op.threshold),
        kept=op.kept,
        limit=count if op.limit is None else op.limit,
    )
    found = b.emit(made, b.emit(ops.Gather(axis=0), boxes, order), ranks)
    b.session.counted.add(found)
    return b.cast(b.emit(ops.Gather(axis=0), order, found), DType.I64)


def _above(threshold: float) -> float:
    """Return the least float32 that is greater."""
    near = np.float32(threshold)
    return float(near if near > threshold else np.nextafter(near, np.float32(np.inf)))

"""Reading and writing at computed places: indices counted from the front, one axis at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mgeconvert.backends.tflite.dialect import TflGather, TflScatter, TflTopK
from mgeconvert.backends.tflite.legalize.table import LEGAL, Rewriter
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import DType, Node, Value, ops
from mgeconvert.ir.dims import Dim, product

I32 = DType.I32
HOT_TYPES = (DType.BOOL, DType.I8, DType.U8, DType.I32, DType.I64, DType.F32)
"""The element types that ONE_HOT makes."""

SCATTERED = (DType.F32, DType.I32, DType.I64)
"""The element types that SCATTER_ND adds in."""


def counted(b: Rewriter, indices: Value, sizes: Sequence[Dim]) -> Value:
    """Return indices with negative ones counted from the front; TFLite refuses them.

    `sizes` are those of the axes that the last axis of the indices addresses, or one size for all.
    """
    if indices in b.session.counted:
        return indices
    known = [n for n in sizes if isinstance(n, int)]
    if indices.const is not None and not (indices.const < 0).any():
        return indices
    if indices.const is not None and len(known) == len(sizes):
        array = indices.const.astype(np.int64)
        array = np.where(array < 0, array + np.array(known), array)
        return b.constant(array.astype(np.int32), indices.name)
    ends = b.dims(sizes, dtype=indices.type.dtype, scalar=len(sizes) == 1)
    negative = b.emit(ops.Less(), indices, b.scalar(0, indices.type.dtype))
    y = b.emit(ops.Where(), negative, b.emit(ops.Add(), indices, ends), indices)
    b.session.counted.add(y)
    return y


@LEGAL(ops.Gather)
def gather(b: Rewriter, node: Node[ops.Gather]) -> Value | None:
    x, indices = node.inputs
    places = counted(b, indices, [x.type.shape[node.op.axis]])
    return None if places is indices else b.emit(node.op, x, places)


@LEGAL(ops.GatherElements)
def gather_elements(b: Rewriter, node: Node[ops.GatherElements]) -> Value:
    """The axes before the last one are shared by x and the indices: GATHER's batch axes."""
    x, indices = node.inputs
    axis, rank = node.op.axis, x.type.rank
    places = counted(b, indices, [x.type.shape[axis]])
    shape = indices.type.shape
    if any(x.type.shape[i] != shape[i] for i in range(rank) if i != axis):
        spans = [None if i == axis else (0, n, 1) for i, n in enumerate(shape)]
        x = b.slice(x, spans)
    perm = [*(i for i in range(rank) if i != axis), axis]
    if axis != rank - 1:
        x, places = b.transpose(x, perm), b.transpose(places, perm)
    y = b.emit(TflGather(axis=rank - 1, batch=rank - 1), x, places)
    return y if axis == rank - 1 else b.transpose(y, [perm.index(i) for i in range(rank)])


@LEGAL(ops.GatherNd)
def gather_nd(b: Rewriter, node: Node[ops.GatherNd]) -> Value | None:
    """With batch axes, the axes that the indices address become one."""
    x, indices = node.inputs
    batch, depth = node.op.batch_dims, _depth(indices)
    sizes = x.type.shape[batch : batch + depth]
    places = counted(b, indices, sizes)
    if not batch:
        return None if places is indices else b.emit(node.op, x, places)
    lead = product(x.type.shape[:batch])
    flat = flattened(b, places, sizes)
    flat = b.reshape(flat, [lead, product(flat.type.shape[batch:])])
    rows = b.reshape(x, [lead, product(sizes), *x.type.shape[batch + depth :]])
    y = b.emit(TflGather(axis=1, batch=1), rows, flat)
    return b.reshape(y, node.output.type.shape)


def flattened(b: Rewriter, indices: Value, sizes: Sequence[Dim]) -> Value:
    """Return the int32 number of the element that the last axis of the indices addresses."""
    strides = [product(sizes[i + 1 :]) for i in range(len(sizes))]
    places = b.cast(indices, I32)
    scaled = b.emit(ops.Mul(), places, b.dims(strides))
    return b.emit(ops.ReduceSum(reduced=(indices.type.rank - 1,)), scaled)


@LEGAL(ops.ScatterNd)
def scatter_nd(b: Rewriter, node: Node[ops.ScatterNd]) -> Value:
    x, indices, updates = node.inputs
    depth = _depth(indices)
    sizes, rest = x.type.shape[:depth], x.type.shape[depth:]
    places = flattened(b, counted(b, indices, sizes), sizes)
    rows = b.reshape(x, [product(sizes), product(rest)])
    given = b.reshape(updates, [product(places.type.shape), product(rest)])
    y = _scattered(b, rows, places, given, reduction=node.op.reduction)
    return b.reshape(y, x.type.shape)


@LEGAL(ops.ScatterElements)
def scatter_elements(b: Rewriter, node: Node[ops.ScatterElements]) -> Value:
    x, indices, updates = node.inputs
    shape, axis = indices.type.shape, node.op.axis
    strides = [product(x.type.shape[i + 1 :]) for i in range(x.type.rank)]
    places = b.cast(counted(b, indices, [x.type.shape[axis]]), I32)
    places = b.emit(ops.Mul(), places, b.dims([strides[axis]], scalar=True))
    for i, (size, stride) in enumerate(zip(shape, strides)):
        if i != axis:
            steps = b.emit(ops.Mul(), b.emit(ops.Range(count=size)), b.dims([stride], scalar=True))
            aligned = b.reshape(steps, [size if k == i else 1 for k in range(len(shape))])
            places = b.emit(ops.Add(), places, aligned)
    rows = b.reshape(x, [product(x.type.shape), 1])
    given = b.reshape(updates, [product(shape), 1])
    y = _scattered(b, rows, places, given, reduction=node.op.reduction)
    return b.reshape(y, x.type.shape)


def _scattered(b: Rewriter, rows: Value, places: Value, updates: Value, *, reduction: str) -> Value:
    """Return the rows with `updates`, (M, R), added to or written over those at `places`."""
    writes = updates.type.shape[0]
    flat = b.reshape(places, [writes])
    if reduction == "none":
        return _overwritten(b, rows, flat, updates)
    if reduction != "add":
        raise UnsupportedCase(f"scattering with the reduction {reduction!r}")
    dtype = rows.type.dtype
    wide = dtype if dtype in SCATTERED else DType.F32 if dtype.is_float else DType.I64
    place = b.reshape(flat, [writes, 1])
    made = TflScatter(shape=rows.type.shape)
    total = b.emit(made, place, b.cast(updates, wide))
    return b.cast(b.emit(ops.Add(), b.cast(rows, wide), total), dtype)


def _overwritten(b: Rewriter, rows: Value, places: Value, updates: Value) -> Value:
    """Read each row from where it was written last: of x, or of the updates that follow it."""
    count, writes = rows.type.shape[0], updates.type.shape[0]
    last, mask, number = _last_writes(b, places)
    target = b.emit(ops.Where(), mask, last, b.dims([count], scalar=True))
    target = b.reshape(target, [writes, 1])
    marks = b.emit(TflScatter(shape=(count + 1,)), target, b.emit(ops.Add(), number, _one(b)))
    marks = b.slice(marks, [(0, count, 1)])
    own = b.emit(ops.Range(count=count))
    behind = b.emit(ops.Add(), marks, b.dims([count - 1], scalar=True))
    untouched = b.emit(ops.Equal(), marks, b.scalar(0, I32))
    source = b.emit(ops.Where(), untouched, own, behind)
    b.session.counted.add(source)
    return b.emit(ops.Gather(axis=0), b.emit(ops.Concat(axis=0), rows, updates), source)


def _last_writes(b: Rewriter, places: Value) -> tuple[Value, Value, Value]:
    """Return the places in order, whether each is its place's last write, and of which update.

    TOPK_V2 keeps the order of equal elements, so that the updates are reversed for it.
    """
    (writes,) = places.type.shape
    reverse = b.slice(places, [(None, None, -1)])
    ordered, found = b.emit_multi(TflTopK(k=writes), reverse)
    before = b.emit(
        ops.Concat(axis=0), b.constant(np.array([-1], np.int32)), b.slice(ordered, [(0, -1, 1)])
    )
    number = b.emit(ops.Sub(), b.dims([writes - 1], scalar=True), found)
    return ordered, b.emit(ops.NotEqual(), ordered, before), number


def _one(b: Rewriter) -> Value:
    return b.scalar(1, I32)


@LEGAL(ops.OneHot)
def one_hot(b: Rewriter, node: Node[ops.OneHot]) -> Value | None:
    op = node.op
    if op.dtype in HOT_TYPES:
        return None
    through = DType.F32 if op.dtype.is_float else I32
    return b.cast(b.emit(ops.OneHot(depth=op.depth, dtype=through), *node.inputs), op.dtype)


def _depth(indices: Value) -> int:
    depth = indices.type.shape[-1]
    if not isinstance(depth, int):
        raise UnsupportedCase("the number of axes that are addressed is known at run time only")
    return depth

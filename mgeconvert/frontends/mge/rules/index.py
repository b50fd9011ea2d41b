"""Reading and writing by index."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mgeconvert.errors import ShapeError, UnreadableSource, UnsupportedCase
from mgeconvert.frontends.mge.call import Call
from mgeconvert.frontends.mge.rules.table import RULES
from mgeconvert.ir import DType, Op, Value, ops
from mgeconvert.ir.contents import dims_of
from mgeconvert.ir.dims import Dim, Shape
from mgeconvert.ir.masks import mask_of, one_number
from mgeconvert.ir.ops.infer import broadcast

Span = tuple[Dim | None, Dim | None, int]
ENDS = ("begin", "end", "step")


@dataclass(frozen=True)
class Places:
    """What an operator addresses: a span or None for each axis, and axes with index tensors."""

    spans: tuple[Span | None, ...]
    indices: Mapping[int, Value]


def places(c: Call, x: Value, operands: Sequence[Value]) -> Places:
    """Return what the items of the operator mean; their operands come in the same order."""
    spans: list[Span | None] = [None] * x.type.rank
    indices: dict[int, Value] = {}
    items = c.setting("items")
    asked = sum(1 if i["idx"] else sum(map(bool, map(i.get, ENDS))) for i in items)
    if asked > len(operands):
        problem = f"its items need {asked} operands, there are {len(operands)}"
        raise UnreadableSource(problem, hint="dump the model again")
    rest = iter(operands)
    for item in items:
        axis = c.axis(int(item["axis"]), x.type.rank)
        if item["idx"]:
            indices[axis] = next(rest)
            continue
        start, stop, step = (next(rest) if item[part] else None for part in ENDS)
        spans[axis] = (
            None if start is None else c.number(start),
            None if stop is None else c.number(stop),
            1 if step is None else c.numbers(step)[0],
        )
    return Places(tuple(spans), dict(sorted(indices.items())))


@RULES("Subtensor")
def subtensor(c: Call, x: Value, *operands: Value) -> Value:
    where = places(c, x, operands)
    known = {axis: dims_of(index) for axis, index in where.indices.items()}
    spans = list(where.spans)
    computed: list[int] = []
    for axis, dims in known.items():
        if dims is None:
            computed.append(axis)
        elif dims[0] not in (0, -1) or x.type.shape[axis] != 1:
            spans[axis] = _one(dims[0])
    spans = [None if _is_all(span, d) else span for span, d in zip(spans, x.type.shape)]
    y = c.slice(x, spans) if any(s is not None for s in spans) else x
    for axis in computed:
        y = c.emit(ops.Gather(axis=axis), y, c.reshape(where.indices[axis], (1,)))
    return c.whole(c.squeeze(y, list(known)))


def _is_all(span: Span | None, size: Dim) -> bool:
    return span is not None and span[0] in (None, 0) and span[1] in (None, size) and span[2] == 1


def _one(index: Dim) -> Span:
    return (index, None if index == -1 else index + 1, 1)


@RULES("SetSubtensor")
def set_subtensor(c: Call, x: Value, new: Value, *operands: Value) -> Value:
    return _write(c, x, new, operands, add=False)


@RULES("IncrSubtensor")
def add_to_subtensor(c: Call, x: Value, new: Value, *operands: Value) -> Value:
    return _write(c, x, new, operands, add=True)


def _write(c: Call, x: Value, new: Value, operands: Sequence[Value], *, add: bool) -> Value:
    where = places(c, x, operands)
    spans = list(where.spans)
    for axis, index in where.indices.items():
        spans[axis] = _one(c.number(index))
    part = c.slice(x, spans)
    smaller = tuple(d for i, d in enumerate(part.type.shape) if i not in where.indices) or (1,)
    value = c.reshape(c.expand(c.cast(new, x.type.dtype), smaller), part.type.shape)
    if add:
        value = c.emit(ops.Add(), part, value)
    return blend(c, x, spans, value)


def blend(c: Call, x: Value, spans: Sequence[Span | None], new: Value, axis: int = 0) -> Value:
    """Put `new` where the spans of the axes from `axis` on say, one axis after the other."""
    if axis == x.type.rank:
        return new
    span, size = spans[axis], x.type.shape[axis]
    if span is None or span in ((None, None, 1), (0, size, 1)):
        return blend(c, x, spans, new, axis + 1)
    start, stop, step = span
    inner = blend(c, _cut(c, x, axis, span), spans, new, axis + 1)
    if isinstance(size, int) and all(isinstance(p, int) or p is None for p in (start, stop)):
        return _at_list(c, x, axis, range(*slice(start, stop, step).indices(size)), inner)
    if step != 1:
        raise UnsupportedCase(f"writing with step {step} along an axis of symbolic size {size}")
    pieces = [inner]
    if start not in (None, 0):
        pieces.insert(0, _cut(c, x, axis, (None, start, 1)))
    if stop is not None and stop != size:
        pieces.append(_cut(c, x, axis, (stop, None, 1)))
    return pieces[0] if len(pieces) == 1 else c.emit(ops.Concat(axis=axis), *pieces)


def _cut(c: Call, x: Value, axis: int, span: Span) -> Value:
    return c.slice(x, [span if i == axis else None for i in range(x.type.rank)])


def _at_list(c: Call, x: Value, axis: int, listed: range, new: Value) -> Value:
    """Return x with `new` at the listed places of an axis of a known size."""
    size = x.type.shape[axis]
    assert isinstance(size, int)
    if not len(listed):
        return x
    if listed.step == 1:
        before = _cut(c, x, axis, (0, listed.start, 1))
        after = _cut(c, x, axis, (listed[-1] + 1, size, 1))
        parts = [p for p in (before, new, after) if p is new or p.type.shape[axis] != 0]
        return parts[0] if len(parts) == 1 else c.emit(ops.Concat(axis=axis), *parts)
    source = np.arange(size, dtype=np.int32)
    source[list(listed)] = np.arange(size, size + len(listed))
    both = c.emit(ops.Concat(axis=axis), x, new)
    return c.emit(ops.Gather(axis=axis), both, c.constant(source))


@RULES("IndexingMultiAxisVec")
def multi_axis(c: Call, x: Value, *operands: Value) -> Value:
    """All index tensors together: they broadcast to one grid, which takes the place of their axes.

    As in numpy the grid comes first where another axis is between them.
    """
    where = places(c, x, operands)
    part = sliced(c, x, where)
    axes = list(where.indices)
    if len(axes) == 1:
        return c.emit(ops.Gather(axis=axes[0]), part, _index(c, where.indices[axes[0]]))
    grid = broadcast([index.type.shape for index in where.indices.values()])
    turned, rest = _turned(c, part, axes)
    picked = c.emit(ops.GatherNd(), turned, _grid(c, where, grid))
    if axes != list(range(axes[0], axes[-1] + 1)) or axes[0] == 0:
        return picked
    lead = [len(grid) + i for i in range(sum(a < axes[0] for a in rest))]
    tail = [len(grid) + i for i in range(len(lead), len(rest))]
    return c.transpose(picked, [*lead, *range(len(grid)), *tail])


@RULES("IndexingSetMultiAxisVec", limits="opset 11")
def set_multi_axis(c: Call, x: Value, new: Value, *operands: Value) -> Value:
    return _scatter(c, x, new, operands, "none")


@RULES("IndexingIncrMultiAxisVec", limits="opset 16")
def add_multi_axis(c: Call, x: Value, new: Value, *operands: Value) -> Value:
    return _scatter(c, x, new, operands, "add")


def _scatter(c: Call, x: Value, new: Value, operands: Sequence[Value], how: str) -> Value:
    where = places(c, x, operands)
    masked = _masked(c, x, where, new) if how == "none" else None
    if masked is not None:
        return masked
    part = sliced(c, x, where)
    axes = list(where.indices)
    grid = broadcast([index.type.shape for index in where.indices.values()])
    turned, rest = _turned(c, part, axes)
    together = axes == list(range(axes[0], axes[-1] + 1))
    lead = sum(a < axes[0] for a in rest) if together else 0
    sizes = [part.type.shape[a] for a in rest]
    value = c.expand(c.cast(new, x.type.dtype), (*sizes[:lead], *grid, *sizes[lead:]))
    front = range(lead, lead + len(grid))
    order = [*front, *(i for i in range(value.type.rank) if i not in front)]
    updates = value if order == sorted(order) else c.transpose(value, order)
    written = _placed(c, turned, where, updates) if how == "none" else None
    if written is None:
        op: Op = ops.ScatterNd(reduction=how)
        written = c.emit(op, turned, _grid(c, where, grid), updates)
    perm = [*axes, *rest]
    back = c.transpose(written, [perm.index(a) for a in range(len(perm))])
    return blend(c, x, where.spans, back)


def _masked(c: Call, x: Value, where: Places, new: Value) -> Value | None:
    """Write one number where a computed mask says; None where it is something else."""
    number = one_number(new)
    if number is None or len(where.indices) != 1 or any(s is not None for s in where.spans):
        return None
    ((axis, index),) = where.indices.items()
    mask = mask_of(index)
    if mask is None or mask.type.shape != (x.type.shape[axis],):
        return None
    others = [a for a in range(x.type.rank) if a != axis]
    scalar = c.cast(c.reshape(number, ()), x.type.dtype)
    return c.emit(ops.Where(), c.unsqueeze(mask, others), scalar, x)


def _placed(c: Call, x: Value, where: Places, updates: Value) -> Value | None:
    """Write at places of the first axes that are known: pick each row from x or from the updates.

    None where they are not known. The last one of equal places wins.
    """
    count = len(where.indices)
    sizes = tuple(d for d in x.type.shape[:count] if isinstance(d, int))
    arrays = [v.const for v in where.indices.values() if v.const is not None]
    if len(sizes) != count or len(arrays) != count:
        return None
    inside = [np.where(a < 0, a + n, a) for a, n in zip(arrays, sizes)]
    if any(((a < 0) | (a >= n)).any() for a, n in zip(inside, sizes)):
        raise ShapeError(f"an index is outside the axes of {sizes} elements")
    flat = np.ravel_multi_index(tuple(np.broadcast_arrays(*inside)), sizes).reshape(-1)
    total, rest = math.prod(sizes), x.type.shape[count:]
    source = np.arange(total, dtype=np.int32)
    source[flat] = np.arange(total, total + flat.size)
    parts = c.reshape(x, (total, *rest)), c.reshape(updates, (flat.size, *rest))
    both = c.emit(ops.Concat(axis=0), *parts)
    return c.reshape(c.emit(ops.Gather(axis=0), both, c.constant(source)), x.type.shape)


def sliced(c: Call, x: Value, where: Places) -> Value:
    """Return the part of x that the spans leave."""
    return c.slice(x, where.spans) if any(s is not None for s in where.spans) else x


def _turned(c: Call, x: Value, axes: list[int]) -> tuple[Value, list[int]]:
    """Move the indexed axes to the front; return the others, too."""
    rest = [a for a in range(x.type.rank) if a not in axes]
    perm = [*axes, *rest]
    return (x if perm == sorted(perm) else c.transpose(x, perm)), rest


def _grid(c: Call, where: Places, grid: Shape) -> Value:
    """Return the index tensors side by side along a new last axis."""
    columns = [
        c.unsqueeze(c.expand(_index(c, index), grid), [len(grid)])
        for index in where.indices.values()
    ]
    return columns[0] if len(columns) == 1 else c.emit(ops.Concat(axis=len(grid)), *columns)


def _index(c: Call, index: Value) -> Value:
    return c.cast(index, DType.I32)


@RULES("IndexingOneHot")
def one_hot(c: Call, x: Value, index: Value) -> Value:
    """One element along an axis for each place of the others."""
    axis = c.axis(int(c.setting("axis")), x.type.rank)
    return c.emit(ops.GatherElements(axis=axis), x, _along(c, x, index, axis))


@RULES("IndexingSetOneHot", limits="opset 11")
def set_one_hot(c: Call, x: Value, index: Value, new: Value) -> Value:
    axis = c.axis(int(c.setting("axis")), x.type.rank)
    places = _along(c, x, index, axis)
    updates = c.expand(c.cast(new, x.type.dtype), places.type.shape)
    return c.emit(ops.ScatterElements(axis=axis), x, places, updates)


def _along(c: Call, x: Value, index: Value, axis: int) -> Value:
    indices = _index(c, index)
    if x.type.rank == 1:
        return c.reshape(indices, (1,))
    return c.unsqueeze(indices, [axis])

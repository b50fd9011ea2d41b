"""Reading and writing by index: x[...] and x[...] = y."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgeconvert.errors import ShapeError, UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import DType, Value, ops
from mgeconvert.ir.dims import Dim

Span = tuple[Dim | None, Dim | None, int]


@RULES("method:__getitem__")
def getitem(c: Call, x: Value, index: Any) -> Value:
    items = _expanded(index, x.type.rank)
    spans: list[Span | None] = []
    dropped: list[int] = []  # axes of the slice that an int removes
    added: list[int] = []  # places of the result where None adds an axis
    gathers: list[tuple[int, Any]] = []  # axes of the slice and what picks along them
    place = 0
    for item in items:
        if item is None:
            added.append(place)
            place += 1
            continue
        axis = len(spans)
        spans.append(None)
        if isinstance(item, slice):
            spans[axis] = _span(c, item)
            place += 1
        elif _is_number(c, item):
            start = c.dim(item)
            spans[axis] = (start, None if start == -1 else start + 1, 1)
            dropped.append(axis)
        else:
            gathers.append((axis, item))
            place += 1
    result = x
    if any(s is not None and s != (None, None, 1) for s in spans):
        result = c.slice(x, spans)
    if gathers:
        if dropped or added or len(gathers) > 1:
            raise UnsupportedCase("an index tensor beside ints, None or other index tensors")
        return _gather(c, result, *gathers[0])
    return c.unsqueeze(c.squeeze(result, dropped), added)


def _expanded(index: Any, rank: int) -> list[Any]:
    """Return one item for each axis and None for each added one; Ellipsis is filled in."""
    items = list(index) if isinstance(index, tuple) else [index]
    used = sum(item is not None and item is not Ellipsis for item in items)
    if used > rank:
        raise ShapeError(f"{used} indices for a tensor of rank {rank}")
    fill = [slice(None)] * (rank - used)
    places = [i for i, item in enumerate(items) if item is Ellipsis]
    if len(places) > 1:
        raise ShapeError("an index has more than one Ellipsis")
    at = places[0] if places else len(items)
    return [*items[:at], *fill, *items[at + 1 :]]


def _span(c: Call, item: slice) -> Span:
    start, stop = (None if part is None else c.dim(part) for part in (item.start, item.stop))
    return start, stop, 1 if item.step is None else c.numbers(item.step)[0]


def _is_number(c: Call, item: Any) -> bool:
    if isinstance(item, Value):
        return item.type.rank == 0 and item.type.dtype.is_integer
    return isinstance(item, (int, np.integer)) and not isinstance(item, bool)


def _gather(c: Call, x: Value, axis: int, item: Any) -> Value:
    indices = c.value(item)
    if indices.type.dtype is DType.BOOL:
        if indices.const is None or indices.type.rank != 1:
            raise UnsupportedCase("a mask that is not a constant vector decides the shape")
        indices = c.constant(np.flatnonzero(indices.const).astype(np.int32))
    return c.emit(ops.Gather(axis=axis), x, c.cast(indices, DType.I32))


@RULES("method:__setitem__")
def setitem(c: Call, x: Value, index: Any, value: Any) -> Value:
    """Only where one axis is written by a plain slice: concat of before, the value and after."""
    items = _expanded(index, x.type.rank)
    written = [i for i, item in enumerate(items) if item != slice(None)]
    if len(items) != x.type.rank or len(written) > 1:
        raise UnsupportedCase("writing to more than one axis at a time")
    new = c.cast(c.value(value, x.type.dtype), x.type.dtype)
    if not written:
        return c.expand(new, x.type.shape)
    (axis,) = written
    size, item = x.type.shape[axis], items[axis]
    if not isinstance(size, int) or not isinstance(item, (slice, int)):
        raise UnsupportedCase(f"writing to {item!r} of an axis of size {size}")
    span = item if isinstance(item, slice) else slice(item % size, item % size + 1)
    start, stop, step = span.indices(size)
    if step != 1:
        raise UnsupportedCase(f"writing with step {step}")
    shape = (*x.type.shape[:axis], stop - start, *x.type.shape[axis + 1 :])
    if isinstance(item, int):
        new = c.unsqueeze(c.expand(new, (*shape[:axis], *shape[axis + 1 :])), [axis])
    parts = [c.expand(new, shape)]
    rest: list[Span | None] = [None] * x.type.rank
    for place, low, high in ((0, 0, start), (len(parts) + 1, stop, size)):
        if high > low:
            spans = list(rest)
            spans[axis] = (low, high, 1)
            parts.insert(place, c.slice(x, spans))
    return parts[0] if len(parts) == 1 else c.emit(ops.Concat(axis=axis), *parts)

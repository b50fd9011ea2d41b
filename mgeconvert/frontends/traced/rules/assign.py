"""Writing by index: x[...] = value, as a new tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mgeconvert.errors import ShapeError, UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.index import flat_places, read, rest_of, sliced
from mgeconvert.frontends.traced.rules.places import Places, places, shared_grid, span
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import DType, Value, ops
from mgeconvert.ir.dims import Dim, Shape, product


@RULES(
    "method:__setitem__",
    limits="places must be known when converting, but for index tensors on opset 11 and later",
)
def setitem(c: Call, x: Value, index: Any, value: Any) -> Value:
    """x[...] = y, with nothing but the Ellipsis, is y itself: so MegEngine has it."""
    if index is Ellipsis:
        return c.emit(ops.Identity(), c.value(value))
    mask = _mask(index)
    if mask is not None and c.value(value, x.type.dtype).type.size == 1:
        return _where(c, x, mask, c.cast(c.value(value, x.type.dtype), x.type.dtype))
    return assigned(c, x, places(c, x, index), value)


def assigned(c: Call, x: Value, wanted: Places, value: Any) -> Value:
    """Return x with `value`, of any shape that broadcasts, written where `wanted` says."""
    new = c.cast(c.value(value, x.type.dtype), x.type.dtype)
    return _write(c, x, wanted, fitted(c, x, wanted, new))


def _write(c: Call, x: Value, wanted: Places, new: Value) -> Value:
    """Return x with `new`, of the region's shape and axis order, written where `wanted` says.

    `new` has the grid of the index tensors first, then the axes that stay.
    """
    if not wanted.gathered:
        return _blend(c, x, wanted, c.unsqueeze(new, wanted.numbered), 0)
    part = sliced(c, x, wanted)
    inner = c.squeeze(part, wanted.numbered)
    rest = rest_of(wanted)
    axes = [rest.index(a) for a in wanted.gathered]
    perm = [*axes, *(a for a in range(len(rest)) if a not in axes)]
    turned = c.transpose(inner, perm)
    written = _scattered(c, turned, wanted, new)
    back = c.transpose(written, [perm.index(a) for a in range(len(perm))])
    whole = Places(
        tuple(slice(None) if isinstance(i, Value) else i for i in wanted.items),
        tuple(range(len(wanted.items))),
    )
    return _blend(c, x, whole, c.unsqueeze(back, wanted.numbered), 0)


def _scattered(c: Call, x: Value, wanted: Places, new: Value) -> Value:
    """Write at index tensors that address the first axes of x."""
    count = len(wanted.gathered)
    sizes = x.type.shape[:count]
    flat = flat_places(wanted, sizes)
    if flat is not None:
        rows = c.reshape(x, (product(sizes), *x.type.shape[count:]))
        values = c.reshape(new, (flat.size, *x.type.shape[count:]))
        listed = [int(i) for i in flat.reshape(-1)]
        return c.reshape(_at_list(c, rows, 0, listed, values), x.type.shape)
    indices = shared_grid(c, wanted.tensors, wanted.grid)
    return c.emit(ops.ScatterNd(), x, indices, new)


def _blend(c: Call, x: Value, wanted: Places, new: Value, axis: int) -> Value:
    """Put `new` in the place of the sliced part of x, from `axis` on: one axis after the other."""
    if axis == x.type.rank:
        return new
    item, size = wanted.items[axis], x.type.shape[axis]
    part = span(c, item) if isinstance(item, slice) else _single(item)
    if part in ((None, None, 1), (0, size, 1)):
        return _blend(c, x, wanted, new, axis + 1)
    if isinstance(size, int) and all(isinstance(p, int) or p is None for p in part):
        listed = range(*slice(*part).indices(size))
        if (listed.step != 1 and len(listed) > 1) or not len(listed):
            inner = _blend(c, _cut(c, x, axis, part), wanted, new, axis + 1)
            return _at_list(c, x, axis, list(listed), inner)
        part = (listed.start, listed[-1] + 1, 1)
    start, stop, step = part
    if step != 1:
        raise UnsupportedCase(f"writing with step {step} along an axis of symbolic size {size}")
    inner = _blend(c, _cut(c, x, axis, part), wanted, new, axis + 1)
    pieces = [inner]
    if start not in (None, 0):
        pieces.insert(0, _cut(c, x, axis, (None, start, 1)))
    if stop is not None and stop != size:
        pieces.append(_cut(c, x, axis, (stop, None, 1)))
    kept = [p for p in pieces if p is inner or p.type.shape[axis] != 0]
    return kept[0] if len(kept) == 1 else c.emit(ops.Concat(axis=axis), *kept)


def _single(item: Any) -> tuple[Dim, Dim | None, int]:
    return item, None if item == -1 else item + 1, 1


def _cut(c: Call, x: Value, axis: int, part: Any) -> Value:
    spans = [None] * x.type.rank
    spans[axis] = part
    return c.slice(x, spans)


def _at_list(c: Call, x: Value, axis: int, listed: Sequence[int], new: Value) -> Value:
    """Return x with `new` at the listed places of a known size; the last of equals wins."""
    size = x.type.shape[axis]
    if not isinstance(size, int):
        raise UnsupportedCase(f"writing to listed places of an axis of symbolic size {size}")
    if not listed:
        return x
    source = list(range(size))
    for i, place in enumerate(listed):
        source[place] = size + i
    both = c.emit(ops.Concat(axis=axis), x, new)
    return c.emit(ops.Gather(axis=axis), both, c.constant(np.array(source, np.int32)))


def fitted(c: Call, x: Value, wanted: Places, new: Value) -> Value:
    """Broadcast a value to the region, and put the grid of the index tensors first."""
    region = read(c, x, wanted).type.shape  # dead code afterwards
    while new.type.rank > len(region) and new.type.shape[0] == 1:
        new = c.squeeze(new, [0])
    if new.type.rank > len(region):
        raise ShapeError(f"{new} does not fit the region [{', '.join(map(str, region))}]")
    new = c.expand(new, region)
    added, grid, place = [], [], 0
    for axis in wanted.layout:
        if axis == "grid":
            grid = list(range(place, place + len(wanted.grid)))
            place += len(wanted.grid)
            continue
        if axis is None:
            added.append(place)
        place += 1
    others = [a for a in range(len(region)) if a not in grid and a not in added]
    perm: Shape = (*grid, *others, *added)
    turned = c.transpose(new, [int(a) for a in perm if isinstance(a, int)])
    return c.squeeze(turned, range(len(grid) + len(others), len(region)))


def _mask(index: Any) -> Value | None:
    """Return the mask of x[mask] where it is computed at run time."""
    only = index[0] if isinstance(index, tuple) and len(index) == 1 else index
    computed = isinstance(only, Value) and only.const is None
    return only if computed and only.type.dtype is DType.BOOL else None


def _where(c: Call, x: Value, mask: Value, new: Value) -> Value:
    whole = c.unsqueeze(mask, range(mask.type.rank, x.type.rank))
    return c.emit(ops.Where(), whole, c.reshape(new, ()), x)

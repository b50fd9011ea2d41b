"""Reading by index: x[...] with ints, slices, None, Ellipsis, masks and index tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.places import Places, places, shared_grid, span
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import Array, Value, ops
from mgeconvert.ir.dims import Dim, product
from mgeconvert.ir.ops.shape import numbers


@RULES("method:__getitem__", limits="masks and the ends of slices must be known when converting")
def getitem(c: Call, x: Value, index: Any) -> Value:
    return read(c, x, places(c, x, index))


def read(c: Call, x: Value, wanted: Places) -> Value:
    """Return what `wanted` addresses: slices first, then numbers, then tensors, then new axes."""
    part = c.squeeze(sliced(c, x, wanted), wanted.numbered)
    if wanted.gathered:
        part = _gathered(c, part, wanted)
    added = [i for i, axis in enumerate(_axes(wanted)) if axis is None]
    result = c.unsqueeze(part, added)
    return c.emit(ops.Identity(), x) if result is x else result


def sliced(c: Call, x: Value, wanted: Places) -> Value:
    """Return x cut to the slices, and to one element where a number is, all axes kept."""
    spans: list[Any] = []
    for item in wanted.items:
        if isinstance(item, slice):
            part = span(c, item)
            spans.append(None if part == (None, None, 1) else part)
        elif isinstance(item, Value):
            spans.append(None)
        else:
            spans.append((item, None if item == -1 else item + 1, 1))
    return c.slice(x, spans) if any(s is not None for s in spans) else x


def rest_of(wanted: Places) -> list[int]:
    """The axes that no number takes out, in order."""
    return [a for a in range(len(wanted.items)) if a not in wanted.numbered]


def _gathered(c: Call, part: Value, wanted: Places) -> Value:
    rest = rest_of(wanted)
    axes = [rest.index(a) for a in wanted.gathered]
    flat = flat_places(wanted, [part.type.shape[a] for a in axes])
    if len(axes) == 1:
        grid_at = axes[0]
        found = c.emit(ops.Gather(axis=grid_at), part, wanted.tensors[0])
    elif flat is not None and axes == list(range(axes[0], axes[-1] + 1)):
        grid_at = axes[0]
        shape = part.type.shape
        joined = product(shape[a] for a in axes)
        one = c.reshape(part, (*shape[:grid_at], joined, *shape[axes[-1] + 1 :]))
        found = c.emit(ops.Gather(axis=grid_at), one, c.constant(flat))
    else:
        grid_at = 0
        kept = [a for a in range(len(rest)) if a not in axes]
        turned = c.transpose(part, [*axes, *kept])
        indices = shared_grid(c, wanted.tensors, wanted.grid)
        found = c.emit(ops.GatherNd(), turned, indices)
    before = [a for a in wanted.layout if a is not None]
    return _moved(c, found, grid_at, to=before.index("grid"), count=len(wanted.grid))


def flat_places(wanted: Places, sizes: Sequence[Dim]) -> Array | None:
    """Return constant index tensors as places on one axis in the stead of axes of these sizes."""
    constants = [t.const for t in wanted.tensors if t.const is not None]
    known = [d for d in sizes if isinstance(d, int)]
    if len(constants) != len(sizes) or len(known) != len(sizes):
        return None
    shape = numbers(wanted.grid)
    grids = [np.broadcast_to(array, shape) for array in constants]
    flat: Array = np.ravel_multi_index(tuple(grids), tuple(known))
    return np.asarray(flat, np.int32)


def _moved(c: Call, x: Value, start: int, *, to: int, count: int) -> Value:
    """Move `count` axes that begin at `start` so that they begin at `to`."""
    if start == to or not count:
        return x
    others = [a for a in range(x.type.rank) if not start <= a < start + count]
    grid = range(start, start + count)
    return c.transpose(x, [*others[:to], *grid, *others[to:]])


def _axes(wanted: Places) -> list[Any]:
    """One entry for each axis of the result; None for added ones."""
    axes: list[Any] = []
    for axis in wanted.layout:
        axes += ["grid"] * len(wanted.grid) if axis == "grid" else [axis]
    return axes

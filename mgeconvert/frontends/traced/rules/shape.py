"""Shapes and axes."""

from __future__ import annotations

from typing import Any

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import Value, ops
from mgeconvert.ir.dims import Dim, missing_dim
from mgeconvert.ir.ops.infer import broadcast


@RULES("apply:GetVarShape")
def get_var_shape(c: Call, *inputs: Value, axis: int = 7) -> Value:
    dims = broadcast([x.type.shape for x in inputs])
    if axis < 7:  # 7 is MegEngine's way to say all axes
        return c.dims([dims[c.axis(axis, len(dims))]])
    return c.dims(dims)


@RULES("method:reshape")
def reshape_method(c: Call, x: Value, *shape: Any) -> Value:
    return c.reshape(x, c.shape(shape))


@RULES("function:tensor.reshape")
def reshape(c: Call, inp: Value, target_shape: Any) -> Value:
    return c.reshape(inp, c.shape(target_shape))


@RULES("function:tensor.flatten", "method:flatten")
def flatten(c: Call, inp: Value, start_axis: int = 0, end_axis: int = -1) -> Value:
    rank = inp.type.rank
    start, end = c.axis(start_axis, rank), c.axis(end_axis, rank)
    shape = inp.type.shape
    middle = missing_dim(shape[start : end + 1], ())
    assert middle is not None
    return c.reshape(inp, (*shape[:start], middle, *shape[end + 1 :]))


@RULES("method:transpose")
def transpose_method(c: Call, x: Value, *pattern: Any) -> Value:
    given = pattern[0] if len(pattern) == 1 and isinstance(pattern[0], (list, tuple)) else pattern
    return transpose(c, x, given or tuple(reversed(range(x.type.rank))))


@RULES("function:tensor.transpose")
def transpose(c: Call, inp: Value, pattern: Any) -> Value:
    """A pattern may hold "x" where an axis of one element is added, and leave such axes out."""
    items = list(pattern) if isinstance(pattern, (list, tuple)) else list(c.numbers(pattern))
    order = [c.axis(c.numbers(i)[0], inp.type.rank) for i in items if i != "x"]
    dropped = [a for a in range(inp.type.rank) if a not in order]
    x = c.squeeze(inp, dropped)
    kept = [a for a in range(inp.type.rank) if a in order]
    x = c.transpose(x, [kept.index(a) for a in order])
    return c.unsqueeze(x, [i for i, item in enumerate(items) if item == "x"])


@RULES("function:tensor.swapaxes")
def swapaxes(c: Call, inp: Value, axis1: int, axis2: int) -> Value:
    perm = list(range(inp.type.rank))
    a, b = c.axis(axis1, len(perm)), c.axis(axis2, len(perm))
    perm[a], perm[b] = perm[b], perm[a]
    return c.transpose(inp, perm)


@RULES("function:tensor.expand_dims")
def expand_dims(c: Call, inp: Value, axis: Any) -> Value:
    return c.unsqueeze(inp, c.numbers(axis))


@RULES("function:tensor.squeeze")
def squeeze(c: Call, inp: Value, axis: Any = None) -> Value:
    if axis is None:
        return c.squeeze(inp, [i for i, d in enumerate(inp.type.shape) if d == 1])
    return c.squeeze(inp, c.numbers(axis))


@RULES("method:_broadcast")
def broadcast_method(c: Call, x: Value, *shape: Any) -> Value:
    return broadcast_to(c, x, shape)


@RULES("function:tensor.broadcast_to")
def broadcast_to(c: Call, inp: Value, shape: Any) -> Value:
    target = list(c.shape(shape))
    offset = len(target) - inp.type.rank
    for i, d in enumerate(target):
        if d == -1 and i >= offset:
            target[i] = inp.type.shape[i - offset]
    return c.emit(ops.Expand(shape=tuple(target)), inp)


@RULES("function:tensor.roll")
def roll(c: Call, inp: Value, shift: Any, axis: Any = None) -> Value:
    shifts = c.numbers(shift)
    if axis is None:
        if len(shifts) != 1:
            raise UnsupportedCase("roll by several shifts without axes")
        return c.reshape(_rolled(c, c.reshape(inp, (-1,)), shifts[0], 0), inp.type.shape)
    x = inp
    for amount, place in zip(shifts, c.numbers(axis), strict=True):
        x = _rolled(c, x, amount, c.axis(place, x.type.rank))
    return x


def _rolled(c: Call, x: Value, amount: int, axis: int) -> Value:
    size: Dim = x.type.shape[axis]
    shift: Dim = amount % size if isinstance(size, int) and size else amount
    if shift == 0:
        return x
    cut = size - shift if isinstance(size, int) or amount > 0 else -amount
    rest: list[Any] = [None] * x.type.rank
    tail, head = list(rest), list(rest)
    tail[axis], head[axis] = (cut, None, 1), (0, cut, 1)
    return c.emit(ops.Concat(axis=axis), c.slice(x, tail), c.slice(x, head))


@RULES("function:tensor.repeat")
def repeat(c: Call, inp: Value, repeats: Any, axis: int | None = None) -> Value:
    count = c.shape(repeats)
    if len(count) != 1:
        raise UnsupportedCase("repeat by a different number for each element")
    x = c.reshape(inp, (-1,)) if axis is None else inp
    place = 0 if axis is None else c.axis(axis, x.type.rank)
    shape = list(x.type.shape)
    wide = c.unsqueeze(x, [place + 1])
    wide = c.expand(wide, (*shape[: place + 1], count[0], *shape[place + 1 :]))
    shape[place] = shape[place] * count[0]
    return c.reshape(wide, shape)


@RULES("function:tensor.tile")
def tile(c: Call, inp: Value, reps: Any) -> Value:
    counts = c.shape(reps)
    x = inp
    if len(counts) > x.type.rank:
        x = c.unsqueeze(x, range(len(counts) - x.type.rank))
    counts = (*(1,) * (x.type.rank - len(counts)), *counts)
    return c.emit(ops.Tile(repeats=counts), x)

"""Order and accumulation."""

from __future__ import annotations

from typing import Any

from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import DType, Value, ops
from mgeconvert.ir.dims import Dim


@RULES("function:math.argsort")
def argsort(c: Call, inp: Value, descending: bool = False) -> Value:
    return ordered(c, inp, inp.type.shape[-1], descending=bool(descending))[1]


@RULES("function:math.sort")
def sort(c: Call, inp: Value, descending: bool = False) -> tuple[Value, Value]:
    return ordered(c, inp, inp.type.shape[-1], descending=bool(descending))


@RULES("function:math.topk", limits="k must be known when converting")
def topk(
    c: Call,
    inp: Value,
    k: Any,
    descending: bool = True,
    kth_only: bool = False,
    no_sort: bool = False,
) -> tuple[Value, Value]:
    """Without an order, the elements come in order all the same."""
    count = c.numbers(k)[0]
    values, indices = ordered(c, inp, count, descending=bool(descending) == (count > 0))
    if not kth_only:
        return values, indices
    place = (*[None] * (inp.type.rank - 1), (abs(count) - 1, abs(count), 1))
    kth = c.squeeze(c.slice(values, place), [-1])
    return kth, _first_equal(c, inp, kth)


def _first_equal(c: Call, x: Value, kth: Value) -> Value:
    """Return where the k-th value is first met, as MegEngine tells it."""
    same = c.emit(ops.Equal(), c.unsqueeze(kth, [-1]), x)
    hit = c.emit(ops.ArgMax(axis=x.type.rank - 1), c.cast(same, DType.I8))
    return c.cast(hit, DType.I32)


def ordered(c: Call, x: Value, k: Dim, *, descending: bool) -> tuple[Value, Value]:
    """Return the first k of the sorted last axis, and their int32 indices.

    Among equals the lower index comes first, but in descending order the higher one.
    """
    axis, count = x.type.rank - 1, abs(c.numbers([k])[0])
    source = _reversed(c, x) if descending else x
    values, indices = c.emit_multi(ops.TopK(axis=axis, k=count, largest=descending), source)
    indices = c.cast(indices, DType.I32)
    if descending:
        last = c.dims([x.type.shape[-1] - 1], scalar=True)
        indices = c.emit(ops.Sub(), last, indices)
    return values, indices


def _reversed(c: Call, x: Value) -> Value:
    return c.slice(x, [*[None] * (x.type.rank - 1), (None, None, -1)])


@RULES("function:tensor.cumsum")
def cumsum(c: Call, inp: Value, axis: int) -> Value:
    return c.emit(ops.CumSum(axis=c.axis(axis, inp.type.rank)), inp)

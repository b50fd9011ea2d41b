"""Cutting tensors: Slice and Split."""

from __future__ import annotations

from collections.abc import Sequence

from mgeconvert.errors import ShapeError
from mgeconvert.frontends.onnx.call import Call
from mgeconvert.frontends.onnx.rules.table import RULES
from mgeconvert.ir import Dim, Value, ops

FAR = 2**31 - 1  # and beyond: exporters mean the end of the axis by it

Span = tuple[Dim | None, Dim | None, int]


@RULES("Slice", since=10)
def slice_(
    c: Call,
    x: Value,
    starts: Value,
    ends: Value,
    axes: Value | None = None,
    steps: Value | None = None,
) -> Value:
    first, last = c.known_dims(starts), c.known_dims(ends)
    return _slice(
        c,
        x,
        list(zip(first, last, c.ints(steps) if steps else (1,) * len(first))),
        axes=c.ints(axes) if axes else range(len(first)),
    )


@RULES("Slice", since=1)
def slice_by_attributes(c: Call, x: Value) -> Value:
    starts, ends = c.attribute("starts"), c.attribute("ends")
    axes = c.attribute("axes", range(len(starts)))
    return _slice(c, x, [(a, b, 1) for a, b in zip(starts, ends)], axes=axes)


def _slice(
    c: Call, x: Value, spans: Sequence[tuple[Dim, Dim, int]], *, axes: Sequence[int]
) -> Value:
    places = [c.axis(a, x.type.rank) for a in axes]
    if len(places) != len(spans) or len(set(places)) != len(places):
        raise ShapeError(f"{len(spans)} slices along the axes {tuple(axes)}")
    given = {axis: _span(*span) for axis, span in zip(places, spans)}
    return c.slice(x, [given.get(i) for i in range(x.type.rank)])


def _span(start: Dim, end: Dim, step: int) -> Span:
    """Return a span as Python has it: None for the ends of the axis."""
    first: Dim | None = start
    last: Dim | None = end
    if step > 0:
        first = None if _is_low(start) or start == 0 else start
        last = None if _is_high(end) else end
    else:
        first = None if _is_high(start) or start == -1 else start
        last = None if _is_low(end) else end
    return first, last, step


def _is_high(place: Dim) -> bool:
    return isinstance(place, int) and place >= FAR


def _is_low(place: Dim) -> bool:
    return isinstance(place, int) and place <= -FAR


@RULES("Split", since=13)
def split(c: Call, x: Value, sizes: Value | None = None) -> tuple[Value, ...]:
    given = None if sizes is None else c.known_dims(sizes)
    return _split(c, x, given)


@RULES("Split", since=2)
def split_by_attribute(c: Call, x: Value) -> tuple[Value, ...]:
    return _split(c, x, c.attribute("split") or None)


def _split(c: Call, x: Value, sizes: Sequence[Dim] | None) -> tuple[Value, ...]:
    """Without sizes the parts are equal, but for a smaller last one from opset 18 on."""
    axis = c.axis(c.attribute("axis"), x.type.rank)
    total, count = x.type.shape[axis], len(c.node.outputs)
    if sizes is None:
        each = (total + count - 1) // count if c.opset >= 18 else total // count
        sizes = [*[each] * (count - 1), total - each * (count - 1)]
    if len(sizes) != count or any(isinstance(n, int) and n < 0 for n in sizes):
        raise ShapeError(f"{count} parts of the sizes {', '.join(map(str, sizes))}")
    return c.emit_multi(ops.Split(axis=axis, sizes=tuple(sizes)), x)

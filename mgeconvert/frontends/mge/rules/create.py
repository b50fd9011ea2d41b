"""Tensors made of numbers."""

from __future__ import annotations

import numpy as np

from mgeconvert.frontends.mge.call import Call
from mgeconvert.frontends.mge.dtypes import element_type
from mgeconvert.frontends.mge.rules.table import RULES
from mgeconvert.ir import DType, Value, ops
from mgeconvert.ir.dims import Dim, Sym, divide

Number = float | Sym


@RULES("Alloc")
def alloc(c: Call, shape: Value) -> Value:
    """Memory without contents, which only tells its shape."""
    return c.full(c.known_dims(shape), 0, element_type(c.setting("dtype")))


@RULES("Linspace", limits="beside symbolic sizes, whole numbers in equal steps")
def linspace(c: Call, start: Value, stop: Value, count: Value) -> Value:
    """Float32, whatever the ends are."""
    number, ends = c.number(count), bool(c.setting("endpoint"))
    if start.const is not None and stop.const is not None and isinstance(number, int):
        first, last = (
            np.float64(v.const.reshape(())) for v in (start, stop) if v.const is not None
        )
        step = (last - first) / max(number - 1 if ends else number, 1)
        return c.constant((first + np.arange(number) * np.float32(step)).astype(np.float32))
    low, high = _end(c, start), _end(c, stop)
    return _spread(c, low, high, number, number - 1 if ends else number)


def _end(c: Call, x: Value) -> Number:
    """Return an end as a number, or as a whole number of symbols."""
    if x.const is not None:
        return float(x.const.reshape(()))
    return c.number(x)


def _spread(c: Call, low: Number, high: Number, count: Dim, gaps: Dim) -> Value:
    """Return low + i (high - low) / gaps for i below `count`."""
    row = c.counted(count)
    steps = divide(high - low, gaps) if _is_whole(low) and _is_whole(high) else None  # type: ignore
    if steps is not None:
        pace = c.as_number(steps)
    else:
        width = c.emit(ops.Sub(), c.as_number(high), c.as_number(low))
        below = c.emit(ops.Maximum(), c.as_number(gaps), c.scalar(1, DType.F32))
        pace = c.emit(ops.Div(), width, below)
    row = row if steps == 1 else c.emit(ops.Mul(), row, pace)
    return row if low == 0 else c.emit(ops.Add(), row, c.as_number(low))


def _is_whole(n: Number) -> bool:
    return not isinstance(n, float) or n.is_integer()


@RULES("Eye")
def eye(c: Call, shape: Value) -> Value:
    rows, columns = c.known_dims(shape)
    dtype, shift = element_type(c.setting("dtype")), int(c.setting("k"))
    if isinstance(rows, int) and isinstance(columns, int):
        return c.constant(np.eye(rows, columns, shift, dtype=dtype.numpy))
    down, across = c.unsqueeze(c.counted(rows), [1]), c.unsqueeze(c.counted(columns), [0])
    moved = c.emit(ops.Add(), down, c.scalar(shift, DType.F32)) if shift else down
    return c.cast(c.emit(ops.Equal(), moved, across), dtype)

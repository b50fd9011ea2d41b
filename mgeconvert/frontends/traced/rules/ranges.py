"""Rows of numbers, and matrices made of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.elementwise import element_type
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import DType, Value, ops
from mgeconvert.ir.dims import Dim, Sym

Number = float | Sym


def counted(c: Call, count: Dim, dtype: DType) -> Value:
    """Return 0, 1 ... count - 1."""
    if isinstance(count, int):
        return c.constant(np.arange(count).astype(dtype.numpy))
    return c.cast(c.emit(ops.Range(count=count)), dtype)


@RULES("function:tensor.arange", limits="what depends on a symbolic size is a whole number")
def arange(
    c: Call,
    start: Any = 0,
    stop: Any = None,
    step: Any = 1,
    *,
    dtype: Any = "float32",
    device: Any = None,
) -> Value:
    first, last = (0, start) if stop is None else (start, stop)
    low, high, pace = number(c, first), number(c, last), number(c, step)
    kind = element_type(dtype)
    if isinstance(pace, Sym) or pace == 0:
        raise UnsupportedCase(f"a range in steps of {pace}", hint="give a number that is not 0")
    if not isinstance(low, Sym) and not isinstance(high, Sym):
        count = max(math.ceil((high - low) / pace), 0)
        return c.constant((low + pace * np.arange(count, dtype=np.float32)).astype(kind.numpy))
    if isinstance(low, float) or isinstance(high, float) or isinstance(pace, float):
        raise UnsupportedCase(
            f"a range from {low} to {high} in steps of {pace}",
            hint="use whole numbers beside a symbolic size",
        )
    row = counted(c, -((low - high) // pace), DType.F32)
    if pace != 1:
        row = c.emit(ops.Mul(), row, c.scalar(pace, DType.F32))
    if low != 0:
        row = c.emit(ops.Add(), row, scalar(c, low))
    return c.cast(row, kind)


@RULES("function:tensor.linspace")
def linspace(
    c: Call, start: Any, stop: Any, num: Any, *, dtype: Any = "float32", device: Any = None
) -> Value:
    count = c.dim(num)
    return spread(c, number(c, start), number(c, stop), count, element_type(dtype))


def spread(c: Call, low: Number, high: Number, count: Dim, dtype: DType) -> Value:
    """Return `count` evenly spaced numbers from `low` to `high`, both included."""
    if not any(isinstance(n, Sym) for n in (low, high, count)):
        values = np.linspace(low, high, count, dtype=np.float32)  # type: ignore[arg-type]
        return c.constant(values.astype(dtype.numpy))
    row = counted(c, count, DType.F32)
    gaps: Value = scalar(c, count - 1)
    if isinstance(count, Sym):
        gaps = c.emit(ops.Maximum(), gaps, c.scalar(1, DType.F32))
    elif count == 1:
        gaps = c.scalar(1, DType.F32)
    width = c.emit(ops.Sub(), scalar(c, high), scalar(c, low))
    row = c.emit(ops.Mul(), row, c.emit(ops.Div(), width, gaps))
    return c.cast(c.emit(ops.Add(), row, scalar(c, low)), dtype)


@RULES("function:tensor.eye")
def eye(c: Call, N: Any, M: Any = None, *, dtype: Any = "float32", device: Any = None) -> Value:
    sizes = c.shape(N) if M is None else (c.dim(N), c.dim(M))
    return diagonal(c, sizes[0], sizes[-1], element_type(dtype))


def diagonal(c: Call, rows: Dim, columns: Dim, dtype: DType, shift: int = 0) -> Value:
    """Return a matrix with ones where column - row is `shift`, else zeros."""
    if isinstance(rows, int) and isinstance(columns, int):
        return c.constant(np.eye(rows, columns, shift, dtype=dtype.numpy))
    down = c.unsqueeze(counted(c, rows, DType.I32), [1])
    across = c.unsqueeze(counted(c, columns, DType.I32), [0])
    shifted = c.emit(ops.Add(), down, c.scalar(shift, DType.I32)) if shift else down
    return c.cast(c.emit(ops.Equal(), shifted, across), dtype)


@RULES("function:tensor.diag", limits="sizes must be known when converting")
def diag(c: Call, inp: Value, k: int = 0) -> Value:
    """A vector becomes the k-th diagonal of a matrix; of a matrix it is taken out."""
    sizes = c.numbers(inp.type.shape)
    if len(sizes) == 1:
        side = sizes[0] + abs(k)
        places = np.full((side, side), sizes[0], np.int32)  # the zero behind the elements
        lines = np.arange(sizes[0])
        places[lines + max(-k, 0), lines + max(k, 0)] = lines
        zero = c.constant(np.zeros(1, inp.type.dtype.numpy))
        filled = c.emit(ops.Concat(axis=0), inp, zero)
        return c.emit(ops.Gather(axis=0), filled, c.constant(places))
    if len(sizes) != 2:
        raise UnsupportedCase(f"the diagonal of {inp}", hint="give a vector or a matrix")
    inside = np.diag(np.arange(sizes[0] * sizes[1], dtype=np.int32).reshape(sizes), k)
    return c.emit(ops.Gather(axis=0), c.reshape(inp, (-1,)), c.constant(inside.copy()))


@RULES("function:tensor.meshgrid")
def meshgrid(c: Call, *inputs: Value, indexing: str = "xy") -> list[Value]:
    order = list(range(len(inputs)))
    if indexing == "xy" and len(order) > 1:
        order[:2] = [1, 0]
    shape = [inputs[i].type.shape[0] for i in order]
    grids = []
    for i, x in enumerate(inputs):
        axis = order.index(i)
        wide = c.unsqueeze(x, [a for a in range(len(order)) if a != axis])
        grids.append(c.expand(wide, shape))
    return grids


def number(c: Call, x: Any) -> Number:
    """Return a number, or what a tensor of one element holds, if that is known."""
    if isinstance(x, (int, float, np.integer, np.floating)):
        return x.item() if isinstance(x, np.generic) else x
    value = c.value(x)
    if value.const is not None and value.const.size == 1:
        return float(value.const.item()) if value.type.dtype.is_float else value.const.item()
    return c.dim(value)


def scalar(c: Call, n: Number) -> Value:
    """Return a number or dimension as a float32 tensor of rank 0."""
    if isinstance(n, Sym):
        return c.cast(c.dims([n], scalar=True), DType.F32)
    return c.scalar(n, DType.F32)

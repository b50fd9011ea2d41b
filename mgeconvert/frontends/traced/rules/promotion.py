"""How MegEngine brings operands to one element type."""

from __future__ import annotations

from typing import Any

from mgeconvert.frontends.traced.call import Call
from mgeconvert.ir import DType, Op, Value


def unary(c: Call, op: Op, x: Any) -> Value:
    """Add a float operator; integers and bools become float32 first."""
    value = c.value(x)
    return c.emit(op, value if value.type.dtype.is_float else c.cast(value, DType.F32))


def binary(c: Call, op: Op, a: Any, b: Any) -> Value:
    """Add an operator on two operands brought to one element type."""
    x, y = operands(c, a, b)
    return c.emit(op, x, y)


def operands(c: Call, a: Any, b: Any) -> tuple[Value, Value]:
    """Return both operands with the element type that MegEngine gives their result.

    A Python number takes the type of the tensor beside it, unless it is a float beside integers.
    """
    dtype = result_dtype([x for x in (a, b) if isinstance(x, Value)], [a, b])
    return c.cast(c.value(a, dtype), dtype), c.cast(c.value(b, dtype), dtype)


def result_dtype(tensors: list[Value], everything: list[Any]) -> DType:
    """Return the common element type of tensors and Python numbers."""
    widest = max((t.type.dtype for t in tensors), key=_rank, default=DType.BOOL)
    for x in everything:
        if isinstance(x, float) and not widest.is_float:
            return DType.F32
        if isinstance(x, int) and not isinstance(x, bool) and widest is DType.BOOL:
            widest = DType.I32
    return widest


def _rank(dtype: DType) -> tuple[int, int]:
    if dtype is DType.BOOL:
        return (0, 0)
    return (2 if dtype.is_float else 1, dtype.numpy.itemsize)

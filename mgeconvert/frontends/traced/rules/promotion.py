"""How MegEngine brings operands to one element type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mgeconvert.frontends.traced.call import Call
from mgeconvert.ir import DType, Op, Value

SIGNED = (DType.I8, DType.I16, DType.I32)


def unary(c: Call, op: Op, x: Any) -> Value:
    """Add a float operator; integers become float32 first."""
    return c.emit(op, as_float(c, c.value(x)))


def as_float(c: Call, x: Value) -> Value:
    """Return x with a float element type."""
    return x if x.type.dtype.is_float else c.cast(x, DType.F32)


def binary(c: Call, op: Op, a: Any, b: Any) -> Value:
    """Add an operator on two operands brought to one element type."""
    return c.emit(op, *operands(c, a, b))


def float_binary(c: Call, op: Op, a: Any, b: Any) -> Value:
    """Add a float operator on two operands; integers become float32 first."""
    return c.emit(op, *(as_float(c, x) for x in operands(c, a, b)))


def operands(c: Call, *given: Any) -> tuple[Value, ...]:
    """Return the operands with the element type that MegEngine gives their result.

    A Python number takes the type of the tensors beside it, unless it is a float beside integers
    or a number beside bools.
    """
    tensors = [c.value(x).type.dtype for x in given if isinstance(x, Value)]
    dtype = common(tensors) if tensors else None
    for x in given:
        if isinstance(x, Value) or dtype is None or dtype.is_float:
            continue
        if isinstance(x, float) or (dtype is DType.BOOL and not isinstance(x, bool)):
            dtype = DType.F32
    return tuple(_convert(c, x, dtype) for x in given)


def common(dtypes: Sequence[DType]) -> DType:
    """Return the element type of a result of tensors.

    Equal ones stay. Signed integers go to the widest. All other mixtures become float32.
    """
    if len(set(dtypes)) == 1:
        return dtypes[0]
    if all(d in SIGNED for d in dtypes):
        return max(dtypes, key=SIGNED.index)
    return DType.F32


def _convert(c: Call, x: Any, dtype: DType | None) -> Value:
    value = c.value(x, dtype)
    return value if dtype is None else c.cast(value, dtype)

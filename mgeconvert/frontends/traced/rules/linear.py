"""Products of matrices and vectors, and the length of vectors."""

from __future__ import annotations

import math
from typing import Any

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.elementwise import clip, power
from mgeconvert.frontends.traced.rules.promotion import binary, float_binary, operands
from mgeconvert.frontends.traced.rules.reduce import reduced, total
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import DType, Value, ops


@RULES("method:__matmul__", "method:__imatmul__")
def matmul_method(c: Call, x: Value, y: Any) -> Value:
    return matmul(c, x, y)


@RULES("method:__rmatmul__")
def reflected_matmul(c: Call, x: Value, y: Any) -> Value:
    return matmul(c, y, x)


@RULES("function:math.matmul")
def matmul(
    c: Call,
    inp1: Any,
    inp2: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    compute_mode: str = "default",
) -> Value:
    """Vectors are rows on the left and columns on the right; 8-bit integers give int32."""
    a, b = operands(c, inp1, inp2)
    if a.type.dtype.is_integer:
        a, b = c.cast(a, DType.I32), c.cast(b, DType.I32)
    drop = [i for i, x in ((-2, a), (-1, b)) if x.type.rank == 1]
    a = c.unsqueeze(a, [0]) if a.type.rank == 1 else turned(c, a, turn=bool(transpose_a))
    b = c.unsqueeze(b, [-1]) if b.type.rank == 1 else turned(c, b, turn=bool(transpose_b))
    return c.squeeze(c.emit(ops.MatMul(), a, b), drop)


def turned(c: Call, x: Value, *, turn: bool) -> Value:
    """Return x with its last two axes exchanged where `turn` says so."""
    rank = x.type.rank
    return c.transpose(x, [*range(rank - 2), rank - 1, rank - 2]) if turn else x


@RULES("function:math.dot")
def dot(c: Call, inp1: Value, inp2: Value) -> Value:
    products = binary(c, ops.Mul(), inp1, inp2)
    return reduced(c, ops.ReduceSum, products, None, keepdims=False)


@RULES("function:math.norm")
def norm(
    c: Call, inp: Value, ord: float | None = None, axis: Any = None, keepdims: bool = False
) -> Value:
    """The infinite orders take the whole tensor, whatever the axis: so MegEngine has it."""
    if ord == 0:
        return total(c, c.emit(ops.NotEqual(), *operands(c, inp, 0)), axis, keepdims)
    size = c.emit(ops.Abs(), inp)
    if ord in (math.inf, -math.inf):
        extreme = ops.ReduceMax if ord > 0 else ops.ReduceMin
        return reduced(c, extreme, size, None, keepdims=False)
    order = 2 if ord is None else ord
    if not isinstance(order, (int, float)):
        raise UnsupportedCase(f"the norm of order {order!r}", hint="give a number")
    powers = power(c, size, order)
    return power(c, reduced(c, ops.ReduceSum, powers, axis, keepdims=keepdims), 1.0 / order)


@RULES("function:math.normalize")
def normalize(c: Call, inp: Value, ord: Any = None, axis: Any = None, eps: float = 1e-12) -> Value:
    length = norm(c, inp, ord, axis, axis is not None)
    return float_binary(c, ops.Div(), inp, clip(c, length, eps))

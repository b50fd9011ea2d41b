"""Products of matrices."""

from __future__ import annotations

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.call import Call
from mgeconvert.frontends.mge.rules.conv import summed, wide
from mgeconvert.frontends.mge.rules.table import RULES
from mgeconvert.ir import DType, Value, ops


@RULES("MatrixMul", "BatchedMatrixMul")
def matrix_mul(c: Call, a: Value, b: Value) -> Value:
    """A matrix that is a constant and transposed makes it a linear layer."""
    c.need("format", "DEFAULT")
    c.result = summed(c, a, b)
    dtype = a.type.dtype
    x, w = wide(c, a, b)
    if dtype is DType.I8:
        dtype = DType.I32
        x, w = c.cast(x, dtype), c.cast(w, dtype)
    elif not dtype.is_float:
        raise UnsupportedCase(f"a product of {dtype.value} matrices")
    x = _turned(c, x) if c.setting("transposeA") else x
    if c.setting("transposeB") and w.const is not None and w.type.rank == 2:
        return c.cast(c.emit(ops.Linear(), x, w), dtype)
    w = _turned(c, w) if c.setting("transposeB") else w
    return c.cast(c.emit(ops.MatMul(), x, w), dtype)


def _turned(c: Call, x: Value) -> Value:
    rank = x.type.rank
    return c.transpose(x, [*range(rank - 2), rank - 1, rank - 2])


@RULES("Dot")
def dot(c: Call, a: Value, b: Value) -> Value:
    return c.emit(ops.ReduceSum(reduced=(0,), keepdims=True), c.emit(ops.Mul(), a, b))

"""Products of matrices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mgeconvert.errors import ShapeError
from mgeconvert.frontends.onnx.call import Call
from mgeconvert.frontends.onnx.rules.table import RULES
from mgeconvert.ir import Value, ops


@RULES("Gemm", since=7)
def gemm(c: Call, a: Value, b: Value, bias: Value | None = None) -> Value:
    """alpha * A @ B + beta * C, as a linear layer with the transposed B for its weights."""
    if a.type.rank != 2 or b.type.rank != 2:
        raise ShapeError(f"{a.type} and {b.type} are no matrices")
    alpha, beta = c.attribute("alpha"), c.attribute("beta")
    a = c.transpose(a, (1, 0)) if c.attribute("transA") else a
    w = b if c.attribute("transB") else _transposed(c, b)
    bias = None if bias is None or beta == 0 or _is_zero(bias) else bias
    if bias is not None and beta != 1:
        bias = c.emit(ops.Mul(), bias, c.like(beta, bias))
    vector = None if bias is None or alpha != 1 else _vector(c, bias, w)
    y = c.emit(ops.Linear(), a, w, *([vector] if vector else []))
    if alpha != 1:
        y = c.emit(ops.Mul(), y, c.like(alpha, y))
    return y if bias is None or vector is not None else c.emit(ops.Add(), y, bias)


def _transposed(c: Call, b: Value) -> Value:
    """Return b turned over; a constant as a view under its own name."""
    if b.const is None:
        return c.transpose(b, (1, 0))
    turned = c.constant(b.const.T, b.name)
    if b.quant is not None:
        axis = None if b.quant.axis is None else 1 - b.quant.axis
        turned.quant = replace(b.quant, axis=axis)
    return turned


def _is_zero(bias: Value) -> bool:
    """Return whether nothing is added, as where opsets below 11 need a bias."""
    return bias.const is not None and bias.const.size == 1 and not np.any(bias.const)


def _vector(c: Call, bias: Value, w: Value) -> Value | None:
    """Return the bias as one number for each column; None where it is not that."""
    if bias.type.shape == (w.type.shape[0],):
        return bias
    if bias.type.shape == (1, w.type.shape[0]):
        return c.reshape(bias, bias.type.shape[1:])
    return None


@RULES("MatMul", since=1)
def mat_mul(c: Call, a: Value, b: Value) -> Value:
    """A vector counts as a matrix of one row or one column, which the result is without."""
    row, column = a.type.rank == 1, b.type.rank == 1
    left = c.unsqueeze(a, [0]) if row else a
    right = c.unsqueeze(b, [1]) if column else b
    y = c.emit(ops.MatMul(), left, right)
    return c.squeeze(y, [-2] * row + [-1] * column)

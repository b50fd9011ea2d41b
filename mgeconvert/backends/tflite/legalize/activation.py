"""Activations that TFLite has in parts only."""

from __future__ import annotations

import math

import numpy as np

from mgeconvert.backends.tflite.legalize.table import LEGAL, Rewriter
from mgeconvert.ir import DType, Node, Value, ops

RANGES = ((0.0, 6.0), (-1.0, 1.0), (0.0, 1.0))
"""The limits of RELU6, RELU_N1_TO_1 and RELU_0_TO_1."""


def number(b: Rewriter, like: Value, value: float) -> Value:
    """Return a scalar of the element type of `like`."""
    return b.scalar(value, like.type.dtype)


def times(b: Rewriter, x: Value, factor: float) -> Value:
    """Return x * factor."""
    return b.emit(ops.Mul(), x, number(b, x, factor))


def plus(b: Rewriter, x: Value, term: float) -> Value:
    """Return x + term."""
    return b.emit(ops.Add(), x, number(b, x, term))


@LEGAL(ops.Clip)
def clip(b: Rewriter, node: Node[ops.Clip]) -> Value | None:
    (x,) = node.inputs
    low, high = _within(x.type.dtype, node.op.low, node.op.high)
    if (low, high) in RANGES and x.type.dtype.is_float:
        return None
    y = x
    if low != -math.inf:
        y = b.emit(ops.Maximum(), y, number(b, x, low))
        y.quant = node.output.quant
    if high != math.inf:
        y = b.emit(ops.Minimum(), y, number(b, x, high))
    return y if y is not x else b.emit(ops.Identity(), x)


def _within(dtype: DType, low: float, high: float) -> tuple[float, float]:
    """Return the limits as numbers of an element type; those that all its numbers keep are inf."""
    if not dtype.is_integer:
        return low, high
    range_ = np.iinfo(dtype.numpy)
    return (low if low > range_.min else -math.inf), (high if high < range_.max else math.inf)


@LEGAL(ops.Relu)
def relu(b: Rewriter, node: Node[ops.Relu]) -> Value | None:
    (x,) = node.inputs
    if x.type.dtype.is_float or x.quant is not None:
        return None
    return b.emit(ops.Maximum(), x, number(b, x, 0))


@LEGAL(ops.PRelu)
def prelu(b: Rewriter, node: Node[ops.PRelu]) -> Value | None:
    """The kernel takes float32 slopes that broadcast to x; else max(x, 0) + slope * min(x, 0)."""
    x, slope = node.inputs
    if x.type.dtype.is_float and node.output.type == x.type:
        return None
    zero = number(b, x, 0)
    low = b.emit(ops.Mul(), b.emit(ops.Minimum(), x, zero), slope)
    return b.emit(ops.Add(), b.emit(ops.Maximum(), x, zero), low)


@LEGAL(ops.Elu)
def elu(b: Rewriter, node: Node[ops.Elu]) -> Value | None:
    """ELU has alpha 1; the rest is where(x > 0, x, alpha * elu(x))."""
    (x,) = node.inputs
    if node.op.alpha == 1.0:
        return None
    positive = b.emit(ops.Greater(), x, number(b, x, 0))
    low = times(b, b.emit(ops.Elu(), x), node.op.alpha)
    return b.emit(ops.Where(), positive, x, low)


@LEGAL(ops.Selu)
def selu(b: Rewriter, node: Node[ops.Selu]) -> Value:
    y = b.emit(ops.Elu(alpha=node.op.alpha), node.inputs[0])
    return times(b, y, node.op.gamma)


@LEGAL(ops.Silu)
def silu(b: Rewriter, node: Node[ops.Silu]) -> Value:
    (x,) = node.inputs
    return b.emit(ops.Mul(), x, b.emit(ops.Sigmoid(), x))


@LEGAL(ops.HardSigmoid)
def hard_sigmoid(b: Rewriter, node: Node[ops.HardSigmoid]) -> Value:
    """Where alpha is 1/6 as relu6(x + 6 beta) / 6, which fuses; else clip(alpha x + beta)."""
    (x,) = node.inputs
    alpha, beta = node.op.alpha, node.op.beta
    if math.isclose(alpha, 1 / 6, rel_tol=1e-7):
        y = b.emit(ops.Clip(low=0.0, high=6.0), plus(b, x, 6 * beta))
        return times(b, y, 1 / 6)
    return b.emit(ops.Clip(low=0.0, high=1.0), plus(b, times(b, x, alpha), beta))


@LEGAL(ops.Softplus)
def softplus(b: Rewriter, node: Node[ops.Softplus]) -> Value:
    """max(x, 0) + log(1 + exp(-|x|)), which does not overflow."""
    (x,) = node.inputs
    small = b.emit(ops.Exp(), b.emit(ops.Neg(), b.emit(ops.Abs(), x)))
    return b.emit(ops.Add(), b.emit(ops.Relu(), x), finite_log1p(b, small))


def finite_log1p(b: Rewriter, x: Value) -> Value:
    """Return log(u) x / (u - 1) with u = 1 + x, which undoes the rounding of u; x where u is 1."""
    u = plus(b, x, 1)
    rounded = plus(b, u, -1)
    exact = b.emit(ops.Equal(), rounded, number(b, x, 0))
    safe = b.emit(ops.Where(), exact, number(b, x, 1), rounded)
    scaled = b.emit(ops.Mul(), b.emit(ops.Log(), u), b.emit(ops.Div(), x, safe))
    return b.emit(ops.Where(), exact, x, scaled)


@LEGAL(ops.LogSigmoid)
def log_sigmoid(b: Rewriter, node: Node[ops.LogSigmoid]) -> Value:
    y = b.emit(ops.Softplus(), b.emit(ops.Neg(), node.inputs[0]))
    return b.emit(ops.Neg(), y)


@LEGAL(ops.Softsign)
def softsign(b: Rewriter, node: Node[ops.Softsign]) -> Value:
    (x,) = node.inputs
    return b.emit(ops.Div(), x, plus(b, b.emit(ops.Abs(), x), 1))


@LEGAL(ops.Mish)
def mish(b: Rewriter, node: Node[ops.Mish]) -> Value:
    (x,) = node.inputs
    return b.emit(ops.Mul(), x, b.emit(ops.Tanh(), b.emit(ops.Softplus(), x)))

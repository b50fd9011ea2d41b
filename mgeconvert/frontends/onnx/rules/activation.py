"""Activation functions."""

from __future__ import annotations

import numpy as np

from mgeconvert.frontends.onnx.call import Call
from mgeconvert.frontends.onnx.rules.table import RULES
from mgeconvert.ir import DType, Op, Value, ops
from mgeconvert.ir.dims import product

SAME_NAME: dict[str, type[Op]] = {
    op.__name__: op
    for op in (ops.Relu, ops.Sigmoid, ops.Softplus, ops.Softsign, ops.Mish, ops.HardSwish)
}
SOFT: dict[str, type[ops.Softmax | ops.LogSoftmax]] = {
    "Softmax": ops.Softmax,
    "LogSoftmax": ops.LogSoftmax,
}


@RULES(*SAME_NAME, since=1)
def same_name(c: Call, x: Value) -> Value:
    return c.emit(SAME_NAME[c.node.op_type](), x)


@RULES("LeakyRelu", since=6)
def leaky_relu(c: Call, x: Value) -> Value:
    return c.emit(ops.LeakyRelu(alpha=c.attribute("alpha")), x)


@RULES("PRelu", since=7)
def prelu(c: Call, x: Value, slope: Value) -> Value:
    return c.emit(ops.PRelu(), x, slope)


@RULES("Elu", since=6)
def elu(c: Call, x: Value) -> Value:
    return c.emit(ops.Elu(alpha=c.attribute("alpha")), x)


@RULES("Selu", since=6)
def selu(c: Call, x: Value) -> Value:
    """The constants of the schema are those of the paper, which the IR has with more digits."""
    exact = ops.Selu()
    alpha, gamma = c.attribute("alpha"), c.attribute("gamma")
    return c.emit(ops.Selu(alpha=_exact(alpha, exact.alpha), gamma=_exact(gamma, exact.gamma)), x)


@RULES("HardSigmoid", since=6)
def hard_sigmoid(c: Call, x: Value) -> Value:
    alpha = _exact(c.attribute("alpha"), 1 / 6)
    return c.emit(ops.HardSigmoid(alpha=alpha, beta=c.attribute("beta")), x)


def _exact(number: float, known: float) -> float:
    """Return the number that the file has as `number`, rounded to float32."""
    return known if np.float32(known) == np.float32(number) else number


@RULES("ThresholdedRelu", since=10)
def thresholded_relu(c: Call, x: Value) -> Value:
    above = c.emit(ops.Greater(), x, c.like(c.attribute("alpha"), x))
    return c.emit(ops.Where(), above, x, c.like(0, x))


@RULES("Celu", since=12)
def celu(c: Call, x: Value) -> Value:
    """max(x, 0) + min(alpha (exp(x / alpha) - 1), 0)."""
    alpha = c.like(c.attribute("alpha"), x)
    below = c.emit(ops.Mul(), alpha, c.emit(ops.Expm1(), c.emit(ops.Div(), x, alpha)))
    return c.emit(ops.Add(), c.emit(ops.Relu(), x), c.emit(ops.Minimum(), below, c.like(0, x)))


@RULES("Shrink", since=9)
def shrink(c: Call, x: Value) -> Value:
    """x - bias where x > lambd, x + bias where x < -lambd, else 0."""
    limit, bias = c.attribute("lambd"), c.like(c.attribute("bias"), x)
    above = c.emit(ops.Greater(), x, c.like(limit, x))
    below = c.emit(ops.Less(), x, c.like(-limit, x))
    rest = c.emit(ops.Where(), below, c.emit(ops.Add(), x, bias), c.like(0, x))
    return c.emit(ops.Where(), above, c.emit(ops.Sub(), x, bias), rest)


@RULES("Gelu", since=20)
def gelu(c: Call, x: Value) -> Value:
    return c.emit(ops.Gelu(approximate=c.need("approximate", "none", "tanh")), x)


@RULES(*SOFT, since=13)
def soft(c: Call, x: Value) -> Value:
    kind = SOFT[c.node.op_type]
    return c.emit(kind(axis=c.axis(c.attribute("axis"), x.type.rank)), x)


@RULES(*SOFT, since=1)
def soft_of_matrix(c: Call, x: Value) -> Value:
    """Below opset 13 all axes from `axis` on count as one."""
    kind, shape = SOFT[c.node.op_type], x.type.shape
    axis = _flat_axis(c, x)
    wide = [i for i in range(axis, len(shape)) if shape[i] != 1]
    if axis < len(shape) and len(wide) < 2:
        return c.emit(kind(axis=axis if axis in wide else (wide or [axis])[0]), x)
    matrix = c.reshape(x, (product(shape[:axis]), product(shape[axis:])))
    return c.reshape(c.emit(kind(axis=1), matrix), shape)


def _flat_axis(c: Call, x: Value) -> int:
    axis = int(c.attribute("axis"))
    return axis if axis == x.type.rank else c.axis(axis, x.type.rank)


@RULES("Hardmax", since=13)
def hardmax(c: Call, x: Value) -> Value:
    """1 at the first greatest element along the axis, else 0."""
    return _hardmax(c, x, c.axis(c.attribute("axis"), x.type.rank))


@RULES("Hardmax", since=1)
def hardmax_of_matrix(c: Call, x: Value) -> Value:
    shape, axis = x.type.shape, _flat_axis(c, x)
    matrix = c.reshape(x, (product(shape[:axis]), product(shape[axis:])))
    return c.reshape(_hardmax(c, matrix, 1), shape)


def _hardmax(c: Call, x: Value, axis: int) -> Value:
    best = c.cast(c.emit(ops.ArgMax(axis=axis, keepdims=True), x), DType.I32)
    places = c.emit(ops.Range(count=x.type.shape[axis]))
    shape = [x.type.shape[axis] if i == axis else 1 for i in range(x.type.rank)]
    hot = c.emit(ops.Equal(), c.reshape(places, shape), best)
    return c.cast(hot, x.type.dtype)

"""Activations: layers where every reader has them, else short chains of layers."""

from __future__ import annotations

import math

from mgeconvert.backends.caffe.binary import constant_like, multiply
from mgeconvert.backends.caffe.emitter import Blob, Emitter, floats
from mgeconvert.backends.caffe.pieces import (
    difference,
    greatest,
    negative,
    power,
    product,
    relu,
    total,
    unary,
)
from mgeconvert.backends.caffe.rules.table import RULES
from mgeconvert.backends.caffe.series import polynomial
from mgeconvert.ir import Node, ops

# 1 - Phi(u) for u >= 0 is the polynomial of t = 1 / (1 + P u) with these coefficients, times
# exp(-u * u / 2): Abramowitz and Stegun, 7.1.26 with u = sqrt(2) x, off by at most 1e-7.
P = 0.3275911 / math.sqrt(2)
TAIL = tuple(a / 2 for a in (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429))
NEAR = 64.0  # bounds up to here are clipped by ReLU; beyond, that would round small numbers

SAME = {
    ops.Relu: "ReLU",
    ops.Sigmoid: "Sigmoid",
    ops.Tanh: "TanH",
    ops.Abs: "AbsVal",
    ops.Exp: "Exp",
    ops.Log: "Log",
    ops.Softplus: "BNLL",
}


@RULES(*SAME)
def same(e: Emitter, node: Node[ops.Relu]) -> Blob:
    return unary(e, SAME[type(node.op)], e.blob(node.inputs[0]))


@RULES(ops.Identity)
def identity(e: Emitter, node: Node[ops.Identity]) -> Blob:
    return e.blob(node.inputs[0])


@RULES(ops.Neg)
def neg(e: Emitter, node: Node[ops.Neg]) -> Blob:
    return negative(e, e.blob(node.inputs[0]))


@RULES(ops.Sqrt)
def sqrt(e: Emitter, node: Node[ops.Sqrt]) -> Blob:
    return power(e, e.blob(node.inputs[0]), exponent=0.5)


@RULES(ops.Reciprocal)
def reciprocal(e: Emitter, node: Node[ops.Reciprocal]) -> Blob:
    return power(e, e.blob(node.inputs[0]), exponent=-1.0)


@RULES(ops.Clip)
def clip(e: Emitter, node: Node[ops.Clip]) -> Blob:
    return clipped(e, e.blob(node.inputs[0]), node.op.low, node.op.high)


def clipped(e: Emitter, x: Blob, low: float, high: float) -> Blob:
    """Return min(max(x, low), high)."""
    if (low, high) == (0, 6) and e.dialect.has("ReLU6"):
        return unary(e, "ReLU6", x)
    if low > -math.inf:
        x = _at_least(e, x, low)
    if high == math.inf:
        return x
    return power(e, _at_least(e, negative(e, x), -high), scale=-1.0)


def _at_least(e: Emitter, x: Blob, low: float) -> Blob:
    if low == 0:
        return relu(e, x)
    if abs(low) <= NEAR:
        return power(e, relu(e, power(e, x, shift=-low)), shift=low)
    return greatest(e, x, constant_like(e, x, low))


@RULES(ops.LeakyRelu)
def leaky_relu(e: Emitter, node: Node[ops.LeakyRelu]) -> Blob:
    return unary(e, "ReLU", e.blob(node.inputs[0]), negative_slope=node.op.alpha)


@RULES(ops.PRelu)
def prelu(e: Emitter, node: Node[ops.PRelu]) -> Blob:
    x, slope = e.blob(node.inputs[0]), node.inputs[1]
    if slope.const is not None:
        w = floats(slope)
        aligned = w.reshape((1,) * (x.rank - w.ndim) + w.shape)
        if w.size == 1:
            return unary(e, "ReLU", x, negative_slope=float(w.reshape(())))
        if x.rank > 1 and aligned.size == aligned.shape[1] == x.shape[1]:
            return e.layer("PReLU", [x], x.shape, weights=[w.reshape(-1)])
    below = multiply(e, relu(e, negative(e, x)), slope)
    return difference(e, relu(e, x), below)


@RULES(ops.Elu)
def elu(e: Emitter, node: Node[ops.Elu]) -> Blob:
    return unary(e, "ELU", e.blob(node.inputs[0]), alpha=node.op.alpha)


@RULES(ops.Selu)
def selu(e: Emitter, node: Node[ops.Selu]) -> Blob:
    return power(
        e, unary(e, "ELU", e.blob(node.inputs[0]), alpha=node.op.alpha), scale=node.op.gamma
    )


@RULES(ops.LogSigmoid)
def log_sigmoid(e: Emitter, node: Node[ops.LogSigmoid]) -> Blob:
    return negative(e, unary(e, "BNLL", negative(e, e.blob(node.inputs[0]))))


@RULES(ops.HardSigmoid)
def hard_sigmoid(e: Emitter, node: Node[ops.HardSigmoid]) -> Blob:
    x = power(e, e.blob(node.inputs[0]), scale=node.op.alpha, shift=node.op.beta)
    return clipped(e, x, 0.0, 1.0)


@RULES(ops.HardSwish)
def hard_swish(e: Emitter, node: Node[ops.HardSwish]) -> Blob:
    x = e.blob(node.inputs[0])
    gate = clipped(e, power(e, x, shift=3.0), 0.0, 6.0)
    return product(e, x, power(e, gate, scale=1 / 6))


@RULES(ops.Silu)
def silu(e: Emitter, node: Node[ops.Silu]) -> Blob:
    x = e.blob(node.inputs[0])
    return product(e, x, unary(e, "Sigmoid", x))


@RULES(ops.Softsign)
def softsign(e: Emitter, node: Node[ops.Softsign]) -> Blob:
    x = e.blob(node.inputs[0])
    return product(e, x, power(e, unary(e, "AbsVal", x), shift=1.0, exponent=-1.0))


@RULES(ops.Mish)
def mish(e: Emitter, node: Node[ops.Mish]) -> Blob:
    x = e.blob(node.inputs[0])
    return product(e, x, unary(e, "TanH", unary(e, "BNLL", x)))


@RULES(ops.Gelu)
def gelu(e: Emitter, node: Node[ops.Gelu]) -> Blob:
    x = e.blob(node.inputs[0])
    if node.op.approximate == "tanh":
        root = math.sqrt(2 / math.pi)
        cube = power(e, x, exponent=3.0)
        inner = total(e, x, cube, coefficients=(root, root * 0.044715))
        return product(e, x, power(e, unary(e, "TanH", inner), scale=0.5, shift=0.5))
    u = unary(e, "AbsVal", x)
    return difference(e, relu(e, x), product(e, u, tail(e, u)))


@RULES(ops.Erf)
def erf(e: Emitter, node: Node[ops.Erf]) -> Blob:
    x = e.blob(node.inputs[0])
    u = power(e, relu(e, x), scale=math.sqrt(2))
    v = power(e, relu(e, negative(e, x)), scale=math.sqrt(2))
    return total(e, tail(e, v), tail(e, u), coefficients=(2.0, -2.0))


def tail(e: Emitter, u: Blob) -> Blob:
    """Return 1 - Phi(u) of the normal distribution for u >= 0."""
    t = power(e, u, scale=P, shift=1.0, exponent=-1.0)
    square = power(e, u, exponent=2.0)
    bell = unary(e, "Exp", power(e, square, scale=-0.5))
    return product(e, polynomial(e, t, TAIL), t, bell)

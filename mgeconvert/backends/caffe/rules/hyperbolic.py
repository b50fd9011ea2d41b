"""Hyperbolic functions, their inverses, exp(x) - 1 and log(1 + x), exact for small x as well."""

from __future__ import annotations

from mgeconvert.backends.caffe.emitter import Blob, Emitter
from mgeconvert.backends.caffe.pieces import difference, negative, power, product, total, unary
from mgeconvert.backends.caffe.rules.table import RULES
from mgeconvert.backends.caffe.series import FAR, log1p, within
from mgeconvert.ir import Node, ops

LEAST = 1e-37  # keeps the inverse of 0 finite


@RULES(ops.Log1p)
def log1p_(e: Emitter, node: Node[ops.Log1p]) -> Blob:
    return log1p(e, e.blob(node.inputs[0]))


@RULES(ops.Expm1)
def expm1(e: Emitter, node: Node[ops.Expm1]) -> Blob:
    """Return tanh(x / 2) * (exp(x) + 1): Abramowitz and Stegun, 4.5.3."""
    x = e.blob(node.inputs[0])
    half = unary(e, "TanH", power(e, x, scale=0.5))
    return product(e, half, power(e, unary(e, "Exp", x), shift=1.0))


@RULES(ops.Cosh)
def cosh(e: Emitter, node: Node[ops.Cosh]) -> Blob:
    return _cosh(e, e.blob(node.inputs[0]))


@RULES(ops.Sinh)
def sinh(e: Emitter, node: Node[ops.Sinh]) -> Blob:
    """Return tanh(x) * cosh(x), which loses nothing near 0."""
    x = e.blob(node.inputs[0])
    return product(e, unary(e, "TanH", x), _cosh(e, x))


def _cosh(e: Emitter, x: Blob) -> Blob:
    """Return the mean of exp(x) and exp(-x)."""
    return total(e, unary(e, "Exp", x), unary(e, "Exp", negative(e, x)), coefficients=(0.5, 0.5))


@RULES(ops.Asinh)
def asinh(e: Emitter, node: Node[ops.Asinh]) -> Blob:
    """Return the sign of x times log(1 + u), with u = |x| + x * x / (1 + sqrt(1 + x * x)).

    That is log(|x| + sqrt(1 + x * x)): Abramowitz and Stegun, 4.6.20.
    """
    x = e.blob(node.inputs[0])
    size, near = unary(e, "AbsVal", x), within(e, x, FAR)
    short = unary(e, "AbsVal", near)
    root = power(e, product(e, near, near), shift=1.0, exponent=0.5)
    part = product(e, short, power(e, root, shift=1.0, exponent=-1.0))
    u = total(e, size, product(e, size, part))
    sign = product(e, near, power(e, short, shift=LEAST, exponent=-1.0))
    return product(e, sign, log1p(e, u))


@RULES(ops.Acosh)
def acosh(e: Emitter, node: Node[ops.Acosh]) -> Blob:
    """Return log(1 + u), with v = x - 1 and u = v + sqrt(v) * sqrt(v + 2).

    That is log(x + sqrt(x * x - 1)): Abramowitz and Stegun, 4.6.21.
    """
    x = e.blob(node.inputs[0])
    roots = product(e, power(e, x, shift=-1.0, exponent=0.5), power(e, x, shift=1.0, exponent=0.5))
    return log1p(e, total(e, power(e, x, shift=-1.0), roots))


@RULES(ops.Atanh)
def atanh(e: Emitter, node: Node[ops.Atanh]) -> Blob:
    """Return half of log(1 + x) - log(1 - x): Abramowitz and Stegun, 4.6.22."""
    x = e.blob(node.inputs[0])
    above, below = log1p(e, x), log1p(e, negative(e, x))
    return power(e, difference(e, above, below), scale=0.5)

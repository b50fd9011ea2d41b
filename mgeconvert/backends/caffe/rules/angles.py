"""Sines and angles: whole turns are taken off, and the rest is a polynomial."""

from __future__ import annotations

import math

from mgeconvert.backends.caffe.binary import joint
from mgeconvert.backends.caffe.emitter import Blob, Emitter
from mgeconvert.backends.caffe.mixing import expand
from mgeconvert.backends.caffe.pieces import greatest, negative, power, product, total, unary
from mgeconvert.backends.caffe.rules.table import RULES
from mgeconvert.backends.caffe.series import FAR, arc, odd, within
from mgeconvert.backends.caffe.whole import inverted, nearest, positive
from mgeconvert.ir import Node, ops

# Three numbers whose sum is pi to 1e-15 (Cody and Waite, 1980). The first has 8 bits and the second
# has 11, so that their products with whole numbers up to 2 ** 13 are exact.
PI = (3.140625, 9.67502593994140625e-4, 1.5099579897537296e-7)
SINE = tuple((-1.0) ** n / math.factorial(2 * n + 1) for n in range(6))
"""Taylor's series of sin(x) / x by powers of x * x; off by 6e-8 for |x| <= pi / 2."""

TURNS = "|x| up to 25000"
LEAST = 1e-37  # a length that is not 0; its inverse is finite


@RULES(ops.Sin, limits=TURNS)
def sin(e: Emitter, node: Node[ops.Sin]) -> Blob:
    return _sine(e, e.blob(node.inputs[0]))


@RULES(ops.Cos, limits=TURNS)
def cos(e: Emitter, node: Node[ops.Cos]) -> Blob:
    return _cosine(e, e.blob(node.inputs[0]))


@RULES(ops.Tan, limits=TURNS)
def tan(e: Emitter, node: Node[ops.Tan]) -> Blob:
    x = e.blob(node.inputs[0])
    return product(e, _sine(e, x), power(e, _cosine(e, x), exponent=-1.0))


def _sine(e: Emitter, x: Blob) -> Blob:
    return _turned(e, x, nearest(e, power(e, x, scale=1 / math.pi)))


def _cosine(e: Emitter, x: Blob) -> Blob:
    """Return cos(x) = -(-1) ** k * sin(x - (k + 1/2) * pi)."""
    k = nearest(e, power(e, x, scale=1 / math.pi, shift=-0.5))
    return negative(e, _turned(e, x, k, 0.5))


def _turned(e: Emitter, x: Blob, k: Blob, offset: float = 0.0) -> Blob:
    """Return (-1) ** k * sin(x - (k + offset) * pi), where that is within pi / 2."""
    turns = power(e, k, shift=offset)
    for part in PI:
        x = total(e, x, turns, coefficients=(1.0, -part))
    even = nearest(e, power(e, k, scale=0.5))
    rest = total(e, k, even, coefficients=(1.0, -2.0))  # -1, 0 or 1
    sign = power(e, product(e, rest, rest), scale=-2.0, shift=1.0)
    return product(e, odd(e, x, SINE), sign)


@RULES(ops.Atan)
def atan(e: Emitter, node: Node[ops.Atan]) -> Blob:
    """Return 2 * atan(x / (1 + sqrt(1 + x * x))): Abramowitz and Stegun, 4.3.22 of the tangent."""
    x = within(e, e.blob(node.inputs[0]), FAR)
    secant = power(e, product(e, x, x), shift=1.0, exponent=0.5)
    return power(e, arc(e, _over(e, x, secant)), scale=2.0)


@RULES(ops.Asin)
def asin(e: Emitter, node: Node[ops.Asin]) -> Blob:
    """Return 2 * atan(x / (1 + cos)), where cos is sqrt((1 - x) * (1 + x))."""
    x = e.blob(node.inputs[0])
    square = product(e, inverted(e, x), power(e, x, shift=1.0))
    cosine = power(e, square, exponent=0.5)
    return power(e, arc(e, _over(e, x, cosine)), scale=2.0)


@RULES(ops.Acos)
def acos(e: Emitter, node: Node[ops.Acos]) -> Blob:
    """Return 4 * atan(sin / (1 + cos)) of half the angle.

    The squares of that sine and cosine are (1 - x) / 2 and (1 + x) / 2.
    """
    x = e.blob(node.inputs[0])
    sine = power(e, x, scale=-0.5, shift=0.5, exponent=0.5)
    cosine = power(e, x, scale=0.5, shift=0.5, exponent=0.5)
    return power(e, arc(e, _over(e, sine, cosine)), scale=4.0)


def _over(e: Emitter, x: Blob, y: Blob) -> Blob:
    """Return x / (1 + y)."""
    return product(e, x, power(e, y, shift=1.0, exponent=-1.0))


@RULES(ops.Atan2)
def atan2(e: Emitter, node: Node[ops.Atan2]) -> Blob:
    """Return 2 * atan(a / (r + |b|)), which is turned around where b is below 0.

    Both operands are divided by the greater one first, so that r neither overflows nor is 0.
    """
    a, b = map(e.blob, node.inputs)
    shape = joint([a.shape, b.shape])
    a, b = expand(e, a, shape), expand(e, b, shape)
    size = greatest(e, unary(e, "AbsVal", a), unary(e, "AbsVal", b))
    inverse = power(e, size, scale=0.25, shift=LEAST, exponent=-1.0)
    y, x = product(e, a, inverse), product(e, unary(e, "AbsVal", b), inverse)
    r = power(e, total(e, product(e, y, y), product(e, x, x)), shift=LEAST, exponent=0.5)
    half = arc(e, product(e, y, power(e, total(e, r, x), exponent=-1.0)))
    behind = positive(e, negative(e, b))
    below = positive(e, negative(e, a))
    turned = product(e, half, power(e, behind, scale=-4.0, shift=2.0))
    straight = product(e, behind, power(e, below, scale=-2 * math.pi, shift=math.pi))
    return total(e, turned, straight)

"""Powers: one layer by a constant exponent, exp(b * log(a)) by others, products for integers."""

from __future__ import annotations

import numpy as np

from mgeconvert.backends.caffe.binary import joint, product_of, times
from mgeconvert.backends.caffe.emitter import Blob, Emitter, floats
from mgeconvert.backends.caffe.held import HELD, LARGEST
from mgeconvert.backends.caffe.mixing import expand
from mgeconvert.backends.caffe.pieces import negative, power, product, relu, total, unary
from mgeconvert.backends.caffe.rules.logic import is_whole
from mgeconvert.backends.caffe.rules.table import RULES
from mgeconvert.backends.caffe.series import at_most, within
from mgeconvert.backends.caffe.whole import floor, inverted, is_zero, nearest, positive
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import DType, Node, Value, ops

ODD = float(1 << 22)  # no exponents beyond it are odd: their results are 0, 1 or infinite
LOWEST = -1e30  # stands for the logarithm of 0: its product with 0 is 0
BITS = {DType.I32: 5, DType.I64: 6}
"""The bits of exponents: 2 to a power of more has more bits than the integers."""


@RULES(ops.Pow)
def pow_(e: Emitter, node: Node[ops.Pow]) -> Blob:
    a, b = node.inputs
    if is_whole(a):
        return _of_integers(e, a, b)
    exponent = _one_number(b)
    if exponent is not None:
        return power(e, _spread(e, a, b), exponent=exponent)
    if a.const is not None and (floats(a) > 0).all():
        return unary(e, "Exp", times(e, e.blob(b), np.log(floats(a))))
    return _of_floats(e, e.blob(a), e.blob(b))


def _one_number(value: Value) -> float | None:
    """Return the number that a constant has everywhere, if it has one."""
    if value.const is None:
        return None
    numbers = floats(value).reshape(-1)
    return float(numbers[0]) if (numbers == numbers[0]).all() else None


def _spread(e: Emitter, a: Value, b: Value) -> Blob:
    """Return a in the shape that both are broadcast to."""
    x = e.blob(a)
    return expand(e, x, joint([x.shape, b.type.static or (1,)]))


def _of_floats(e: Emitter, a: Blob, b: Blob) -> Blob:
    """Return exp(b * log(|a|)) with a sign; that of 0 is so low that only b = 0 gives 1."""
    zero = is_zero(e, a)
    size = total(e, unary(e, "AbsVal", a), zero)
    logarithm = total(e, unary(e, "Log", size), zero, coefficients=(1.0, LOWEST))
    y = unary(e, "Exp", product_of(e, logarithm, b))
    near = within(e, b, ODD)
    even = nearest(e, power(e, near, scale=0.5))
    odd = unary(e, "AbsVal", total(e, near, even, coefficients=(1.0, -2.0)))
    below = positive(e, negative(e, a))
    broken = positive(e, product(e, odd, inverted(e, odd)))
    sign = power(e, product_of(e, below, odd), scale=-2.0, shift=1.0)
    real = power(e, product_of(e, below, broken), scale=-2.0, shift=1.0, exponent=0.5)  # or NaN
    return product(e, y, sign, real)


def _of_integers(e: Emitter, a: Value, b: Value) -> Blob:
    """Return products only: they are exact."""
    dtype, exponent = a.type.dtype, _one_number(b)
    low, high = HELD[dtype]
    if exponent is not None and (dtype in BITS or max(-low, high) ** exponent <= LARGEST):
        return _by_squares(e, _spread(e, a, b), int(exponent))
    if dtype not in BITS:
        raise UnsupportedCase(f"a power of {dtype.value}, which keeps its last bits only")
    shape = joint([a.type.static or (1,), b.type.static or (1,)])
    x, y = expand(e, e.blob(a), shape), expand(e, e.blob(b), shape)
    return _by_bits(e, x, y, BITS[dtype])


def _by_squares(e: Emitter, x: Blob, exponent: int) -> Blob:
    """Return the product of `exponent` equal factors."""
    if exponent < 2:
        return x if exponent == 1 else power(e, x, scale=0.0, shift=1.0)
    root = _by_squares(e, x, exponent // 2)
    square = product(e, root, root)
    return product(e, square, x) if exponent % 2 else square


def _by_bits(e: Emitter, x: Blob, exponent: Blob, bits: int) -> Blob:
    """Return the product of x ** (2 ** i) for all bits i of the exponent.

    An exponent of too many bits becomes the greatest one that is as odd, which of 0, 1 and -1 gives
    the same.
    """
    top = float((1 << bits) - 2)
    beyond = floor(e, power(e, relu(e, power(e, exponent, shift=-top)), scale=0.5))
    exponent = total(e, exponent, beyond, coefficients=(1.0, -2.0))
    factors: list[Blob] = []
    for i in range(bits):
        if i:
            x = at_most(e, product(e, x, x), float(1 << 63))  # 0 times it stays 0
        half = _half(e, exponent)
        bit = total(e, exponent, half, coefficients=(1.0, -2.0))
        factors.append(power(e, product(e, bit, power(e, x, shift=-1.0)), shift=1.0))
        exponent = half
    return product(e, *factors)


def _half(e: Emitter, x: Blob) -> Blob:
    """Return half of whole numbers, rounded down."""
    return nearest(e, power(e, x, scale=0.5, shift=-0.25))

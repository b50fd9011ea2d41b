"""Whole numbers and bools in blobs of float32, exact up to 2 ** 24: indicators and rounding."""

from __future__ import annotations

from mgeconvert.backends.caffe.emitter import Blob, Emitter
from mgeconvert.backends.caffe.held import HELD, LARGEST
from mgeconvert.backends.caffe.pieces import difference, negative, power, relu, total, unary
from mgeconvert.ir import DType

WHOLE = "whole numbers"  # the ability of a dialect
STEEP = 3e38  # times the least normal number it is more than 1
SHIFT = float(3 << 22)  # the sum with it has no bits behind the point, and rounds half to even


def positive(e: Emitter, x: Blob, *, whole: bool = False) -> Blob:
    """Return 1 where x > 0, else 0; x has whole numbers, or any."""
    return inverted(e, at_most_zero(e, relu(e, x), whole=whole))


def at_most_zero(e: Emitter, x: Blob, *, whole: bool = False) -> Blob:
    """Return 1 where x is 0, else 0; x is never below 0.

    1 / (1 + STEEP * x) is 1 for 0, and 0.25 or less for any other normal number or infinity.
    """
    if whole:
        return relu(e, inverted(e, x))
    e.dialect.need(WHOLE)
    inverse = power(e, x, scale=STEEP, shift=1.0, exponent=-1.0)
    return relu(e, power(e, inverse, scale=2.0, shift=-1.0))


def inverted(e: Emitter, x: Blob) -> Blob:
    """Return 1 - x."""
    return power(e, x, scale=-1.0, shift=1.0)


def is_zero(e: Emitter, x: Blob, *, whole: bool = False) -> Blob:
    """Return 1 where x is 0, else 0."""
    return at_most_zero(e, unary(e, "AbsVal", x), whole=whole)


def nonzero(e: Emitter, x: Blob, *, whole: bool = False) -> Blob:
    """Return 1 where x is not 0, else 0."""
    return inverted(e, is_zero(e, x, whole=whole))


def sign(e: Emitter, x: Blob, *, whole: bool = False) -> Blob:
    """Return -1, 0 or 1."""
    above, below = positive(e, x, whole=whole), positive(e, negative(e, x), whole=whole)
    return difference(e, above, below)


def nearest(e: Emitter, x: Blob) -> Blob:
    """Return the nearest whole number, of two the even one; x is within 2 ** 22."""
    e.dialect.need(WHOLE)
    return power(e, power(e, x, shift=SHIFT), shift=-SHIFT)


def rounded(e: Emitter, x: Blob) -> Blob:
    """Return the nearest whole number of any finite x, of two the even one."""
    e.dialect.need(WHOLE)
    y, rest = _parted(e, x)
    return total(e, y, nearest(e, rest))


def floor(e: Emitter, x: Blob) -> Blob:
    """Return the greatest whole number that is not above x, which is finite."""
    e.dialect.need(WHOLE)
    y, rest = _parted(e, x)
    step = nearest(e, rest)
    over = positive(e, difference(e, step, rest))
    return total(e, y, step, over, coefficients=(1.0, 1.0, -1.0))


def _parted(e: Emitter, x: Blob) -> tuple[Blob, Blob]:
    """Return an even number, or beyond 2 ** 23 any whole one, and the rest of x, within 2."""
    y = power(e, power(e, x, shift=2 * SHIFT), shift=-2 * SHIFT)
    return y, difference(e, x, y)


def cut_off(e: Emitter, x: Blob) -> Blob:
    """Return x without what is behind the point."""
    above, below = floor(e, relu(e, x)), floor(e, relu(e, negative(e, x)))
    return difference(e, above, below)


def wrapped(e: Emitter, x: Blob, dtype: DType) -> Blob:
    """Return whole numbers as integers of `dtype` keep them: modulo 2 ** bits; bool is x != 0."""
    if dtype is DType.BOOL:
        return nonzero(e, x, whole=True)
    low, high = HELD.get(dtype, (0, LARGEST))
    if high == LARGEST:
        return x
    count = float(high - low + 1)
    x = power(e, x, shift=float(-low))
    times = floor(e, power(e, x, scale=1 / count))
    return power(e, total(e, x, times, coefficients=(1.0, -count)), shift=float(low))

"""Functions that Caffe has no layer for, as polynomials and corrected logarithms."""

from __future__ import annotations

from collections.abc import Sequence

from mgeconvert.backends.caffe.emitter import Blob, Emitter
from mgeconvert.backends.caffe.pieces import (
    difference,
    greatest,
    negative,
    power,
    product,
    total,
    unary,
)

FAR = float(1 << 30)  # where 1 + x is x in float32, and x * x is still finite
TINY = 1e-30  # keeps an inverse finite, and changes no number that is added to it

# atan(t) / t for |t| <= 1 by powers of t * t, off by at most 2e-8: Abramowitz and Stegun, 4.4.49.
ARC = (
    *(1.0, -0.3333314528, 0.1999355085, -0.1420889944, 0.1065626393, -0.0752896400),
    *(0.0429096138, -0.0161657367, 0.0028662257),
)


def polynomial(e: Emitter, x: Blob, coefficients: Sequence[float]) -> Blob:
    """Return the polynomial of x whose coefficients begin with the constant one (Horner)."""
    *rest, low, high = coefficients
    y = power(e, x, scale=high, shift=low)
    for coefficient in reversed(rest):
        y = power(e, product(e, y, x), shift=coefficient)
    return y


def odd(e: Emitter, x: Blob, coefficients: Sequence[float]) -> Blob:
    """Return x times a polynomial of x * x."""
    return product(e, x, polynomial(e, product(e, x, x), coefficients))


def arc(e: Emitter, t: Blob) -> Blob:
    """Return atan(t) for |t| <= 1."""
    return odd(e, t, ARC)


def at_most(e: Emitter, x: Blob, bound: float) -> Blob:
    """Return min(x, bound), also of an infinite x, without a rounding."""
    return negative(e, greatest(e, negative(e, x), _everywhere(e, x, -bound)))


def within(e: Emitter, x: Blob, bound: float) -> Blob:
    """Return x cut off at -bound and bound."""
    return at_most(e, greatest(e, x, _everywhere(e, x, -bound)), bound)


def _everywhere(e: Emitter, x: Blob, number: float) -> Blob:
    """Return one number everywhere; 0 times the Sigmoid is 0 where x is infinite, too."""
    return power(e, unary(e, "Sigmoid", x), scale=0.0, shift=number)


def log1p(e: Emitter, x: Blob) -> Blob:
    """Return log(1 + x), exact to float32 for small x as well.

    The bits of x that the sum with 1 loses are added again, divided by the sum: the first term of
    Taylor's series there.
    """
    logarithm = unary(e, "Log", power(e, x, shift=1.0))
    near = at_most(e, x, FAR)
    sum_ = power(e, near, shift=1.0)
    lost = difference(e, near, power(e, sum_, shift=-1.0))
    inverse = power(e, sum_, shift=TINY, exponent=-1.0)
    return total(e, logarithm, product(e, lost, inverse))

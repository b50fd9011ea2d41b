"""Quotients and remainders, by the inverse of the divisor and a correction."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgeconvert.backends.caffe.binary import multiply, plus, product_of, sum_of, times
from mgeconvert.backends.caffe.emitter import Blob, Emitter, floats
from mgeconvert.backends.caffe.pieces import (
    MINUS,
    difference,
    negative,
    power,
    product,
    total,
    unary,
)
from mgeconvert.backends.caffe.rules.logic import is_whole
from mgeconvert.backends.caffe.rules.table import RULES
from mgeconvert.backends.caffe.whole import floor, inverted, nonzero, positive, sign
from mgeconvert.ir import Array, Node, Value, ops

HALF = 4097.0  # 2 ** 12 + 1: splits the bits of a float32 in two halves (Dekker, 1971)


@RULES(ops.Div)
def div(e: Emitter, node: Node[ops.Div]) -> Blob:
    a, b = node.inputs
    if not is_whole(a):
        return _ratio(e, a, b)
    quotient, rest = _divided(e, a, b, exact=False)
    cut = product(e, nonzero(e, rest, whole=True), positive(e, negative(e, quotient), whole=True))
    return total(e, quotient, cut)


def _ratio(e: Emitter, a: Value, b: Value) -> Blob:
    """Return a / b of floats, or nearly that."""
    if b.const is not None:
        return times(e, e.blob(a), 1 / floats(b))
    inverse = power(e, e.blob(b), exponent=-1.0)
    return (
        times(e, inverse, floats(a)) if a.const is not None else product_of(e, e.blob(a), inverse)
    )


@RULES(ops.FloorDiv)
def floor_div(e: Emitter, node: Node[ops.FloorDiv]) -> Blob:
    return _divided(e, *node.inputs, exact=False)[0]


@RULES(ops.Mod, ops.Fmod)
def mod(e: Emitter, node: Node[Any]) -> Blob:
    a, b = node.inputs
    whole = is_whole(a)
    rest = _divided(e, a, b, exact=not whole)[1]
    if isinstance(node.op, ops.Mod):
        return rest
    differs = positive(e, negative(e, product_of(e, rest, e.blob(a))), whole=whole)
    return difference(e, rest, multiply(e, differs, b))


def _divided(e: Emitter, a: Value, b: Value, *, exact: bool) -> tuple[Blob, Blob]:
    """Return floor(a / b) and what is left, which has the sign of b.

    The quotient can be one off at first. With `exact` its product with b is not rounded, as long
    as it is below 2 ** 12; floats need that, whole numbers do not.
    """
    whole = is_whole(a)
    quotient = floor(e, _ratio(e, a, b))
    rest = _less(e, e.blob(a), quotient, b, exact=exact)
    signed = _signed(e, rest, b)
    over = inverted(e, positive(e, _missing(e, signed, b), whole=whole))
    under = positive(e, negative(e, signed), whole=whole)
    step = difference(e, over, under)
    return total(e, quotient, step), _less(e, rest, step, b, exact=False)


def _less(e: Emitter, x: Blob, times_: Blob, b: Value, *, exact: bool) -> Blob:
    """Return x - times_ * b."""
    if not exact:
        return sum_of(e, x, multiply(e, times_, b), MINUS)
    if b.const is not None:
        for part in _halves(floats(b)):
            x = sum_of(e, x, times(e, times_, part), MINUS)
        return x
    for blob in _computed_halves(e, e.blob(b)):
        x = sum_of(e, x, product_of(e, times_, blob), MINUS)
    return x


def _halves(b: Array) -> tuple[Array, Array]:
    """Return two numbers of 12 bits each whose sum is b."""
    wide = b * np.float32(HALF)
    high = wide - (wide - b)
    return high, b - high


def _computed_halves(e: Emitter, b: Blob) -> tuple[Blob, Blob]:
    wide = power(e, b, scale=HALF)
    high = difference(e, wide, difference(e, wide, b))
    return high, difference(e, b, high)


def _signed(e: Emitter, x: Blob, b: Value) -> Blob:
    """Return x times the sign of b."""
    if b.const is not None:
        return times(e, x, np.sign(floats(b)))
    return product_of(e, x, sign(e, e.blob(b), whole=is_whole(b)))


def _missing(e: Emitter, x: Blob, b: Value) -> Blob:
    """Return |b| - x."""
    if b.const is not None:
        return plus(e, negative(e, x), np.abs(floats(b)))
    return sum_of(e, unary(e, "AbsVal", e.blob(b)), x, MINUS)

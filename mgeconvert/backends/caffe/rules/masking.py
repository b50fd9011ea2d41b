"""Choices by a condition: products with 0 and 1, and infinities that no product with 0 spoils."""

from __future__ import annotations

import numpy as np

from mgeconvert.backends.caffe.binary import multiply, times
from mgeconvert.backends.caffe.emitter import Blob, Emitter, Sizes, floats, sizes
from mgeconvert.backends.caffe.mixing import expand
from mgeconvert.backends.caffe.pieces import greatest, negative, power, total
from mgeconvert.backends.caffe.rules.logic import is_whole
from mgeconvert.backends.caffe.rules.table import RULES
from mgeconvert.backends.caffe.whole import STEEP, WHOLE, inverted
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import Array, Node, Value, ops


@RULES(ops.Where)
def where(e: Emitter, node: Node[ops.Where]) -> Blob:
    """Return the sum of both operands, each with zeros where the other one is chosen."""
    condition, a, b = node.inputs
    shape = sizes(node.output)
    if condition.const is not None:
        mask = floats(condition)
        terms = [*_kept(e, mask, a, shape), *_kept(e, 1 - mask, b, shape)]
    else:
        e.dialect.need(WHOLE)
        chosen = e.blob(condition)
        terms = [*_masked(e, chosen, a, shape), *_masked(e, inverted(e, chosen), b, shape)]
        terms = terms or [power(e, chosen, scale=0.0)]
    y, *rest = (expand(e, term, shape) for term in terms)
    return total(e, y, *rest) if rest else y


def _masked(e: Emitter, mask: Blob, value: Value, shape: Sizes) -> list[Blob]:
    """Return terms whose sum is mask * value; infinities stand where the mask is 1."""
    if value.const is None:
        if is_whole(value):
            return [multiply(e, mask, value)]
        low = power(e, power(e, mask, scale=STEEP), scale=-STEEP)
        return [_clamped(e, expand(e, e.blob(value), shape), expand(e, low, shape))]
    finite, signs = split_infinities(floats(value))
    terms = [times(e, mask, finite)] if finite.any() else []
    return [*terms, *([] if signs is None else [infinite(e, times(e, mask, signs))])]


def _kept(e: Emitter, mask: Array, value: Value, shape: Sizes) -> list[Blob]:
    """Return what _masked does, of a constant mask."""
    if value.const is not None:
        array = np.where(mask > 0, floats(value), np.float32(0))
        return [e.constant(array)] if array.any() else []
    if is_whole(value):
        return [times(e, e.blob(value), mask)]
    low = e.constant(np.where(mask > 0, np.float32(-np.inf), np.float32(0)))
    return [_clamped(e, expand(e, e.blob(value), shape), expand(e, low, shape))]


def _clamped(e: Emitter, x: Blob, low: Blob) -> Blob:
    """Return x where `low` is -infinity, and 0 where it is 0, whatever x is there.

    A product would be NaN where x is infinite or NaN. Of a maximum with NaN, BVLC Caffe takes the
    second operand and OpenCV the first, so that two drop it.
    """
    above = greatest(e, low, greatest(e, x, low))
    return negative(e, greatest(e, negative(e, above), low))


def split_infinities(array: Array) -> tuple[Array, Array | None]:
    """Return the finite numbers, 0 for others, and the signs of the infinities if there are any."""
    if np.isnan(array).any():
        raise UnsupportedCase("a choice of constants that are not numbers (NaN)")
    ends = np.isinf(array)
    if not ends.any():
        return array, None
    zero = np.float32(0)
    return np.where(ends, zero, array), np.where(ends, np.sign(array), zero)


def infinite(e: Emitter, signs: Blob) -> Blob:
    """Return infinities of the signs -1 and 1, and 0 for 0."""
    return power(e, power(e, signs, scale=STEEP), scale=STEEP)

"""Products of computed matrices, and one-hot numbers that stand for places in them."""

from __future__ import annotations

import math

import numpy as np

from mgeconvert.backends.caffe.binary import product_of
from mgeconvert.backends.caffe.emitter import Blob, Emitter
from mgeconvert.backends.caffe.mixing import expand, mix, sum_over
from mgeconvert.backends.caffe.pieces import product, relu, reshape, unary
from mgeconvert.backends.caffe.whole import WHOLE, inverted
from mgeconvert.errors import UnsupportedCase

LARGEST_PRODUCT = 1 << 22  # elements of a product that is written out
LARGEST_HOT = 1 << 24  # places times the elements that each may be


def matrix_product(e: Emitter, x: Blob, y: Blob) -> Blob:
    """Return x (*B, n, s) @ y (*B, s, m)."""
    shape = (*x.shape[:-1], y.shape[-1])
    if e.dialect.has("MatMul"):
        return e.layer("MatMul", [x, y], shape)
    rows, inner, columns = *x.shape[-2:], y.shape[-1]
    batch = math.prod(shape[:-2])
    if batch * rows * inner * columns > LARGEST_PRODUCT:
        raise UnsupportedCase(
            f"a product of computed matrices, {batch} x ({rows}, {inner}) @ ({inner}, {columns}): "
            f"the dialect {e.dialect.name} has no MatMul, and written out it has more than "
            f"{LARGEST_PRODUCT} elements",
            hint="dialects that can: opencv",
        )
    whole = (batch, rows, inner, columns)
    a = expand(e, reshape(e, x, (batch, rows, inner, 1)), whole)
    b = expand(e, reshape(e, y, (batch, 1, inner, columns)), whole)
    return reshape(e, sum_over(e, product(e, a, b), (2,), mean=False), shape)


def picked(e: Emitter, hot: Blob, rows: Blob) -> Blob:
    """Return the sums over s of hot (P or 1, n, s, Q or 1) * rows (P, 1, s, Q), (P, n, Q)."""
    before, _, size, after = rows.shape
    count = hot.shape[1]
    if hot.shape[3] == 1:
        left = reshape(e, expand(e, hot, (before, count, size, 1)), (before, count, size))
        return matrix_product(e, left, reshape(e, rows, (before, size, after)))
    need_few(e, before * count * size * after, LARGEST_PRODUCT)
    products = product_of(e, hot, rows)
    return reshape(e, sum_over(e, products, (2,), mean=False), (before, count, after))


def hats(e: Emitter, places: Blob, axis: int, size: int) -> Blob:
    """Return max(1 - |i - place|, 0) for i from 0 to `size` along `axis`, where the place is.

    For whole numbers that is one-hot, and else linear interpolation, with zeros around.
    """
    need_few(e, places.size * size, LARGEST_HOT)
    numbers = np.arange(size, dtype=np.float32)
    return hat(e, mix(e, places, axis, np.ones((size, 1), np.float32), -numbers))


def hat(e: Emitter, gaps: Blob) -> Blob:
    """Return max(1 - |x|, 0)."""
    return relu(e, inverted(e, unary(e, "AbsVal", gaps)))


def need_few(e: Emitter, count: int, limit: int) -> None:
    """Raise UnsupportedCase where `count` numbers for places would be too many, or no use."""
    e.dialect.need(WHOLE)
    if count > limit:
        raise UnsupportedCase(
            f"computed places, of which {count} numbers have to be made: the limit is {limit}",
            hint="end the model before it, by outputs",
        )

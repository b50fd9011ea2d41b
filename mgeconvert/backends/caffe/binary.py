"""Arithmetic of two operands: which is constant, and which is broadcast, decides the layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mgeconvert.backends.caffe.emitter import Blob, Emitter, Sizes, floats
from mgeconvert.backends.caffe.mixing import expand, span_of
from mgeconvert.backends.caffe.pieces import (
    MINUS,
    greatest,
    negative,
    power,
    product,
    reshape,
    scale,
    scale_by,
    total,
)
from mgeconvert.ir import Array, Value
from mgeconvert.ir.ops.infer import broadcast


def multiply(e: Emitter, x: Blob, other: Value) -> Blob:
    """Return x * other, broadcast."""
    if other.const is not None:
        return times(e, x, floats(other))
    return product_of(e, x, e.blob(other))


def product_of(e: Emitter, a: Blob, b: Blob) -> Blob:
    """Return a * b of two computed blobs, broadcast."""
    shape = joint([a.shape, b.shape])
    if a.shape == b.shape:
        return product(e, a, b)
    for big, small in ((a, b), (b, a)):
        padded = (*(1,) * (len(shape) - small.rank), *small.shape)
        first, end = span_of(padded)
        if big.shape != shape or padded[first:end] != shape[first:end] or first == end:
            continue
        if e.dialect.has("Scale of two bottoms"):
            return scale_by(e, big, reshape(e, small, shape[first:end]), first)
    return product(e, expand(e, a, shape), expand(e, b, shape))


def times(e: Emitter, x: Blob, w: Array) -> Blob:
    """Return x * w of a constant w, broadcast."""
    if w.size == 1:
        factor = float(w.reshape(()))
        return power(e, _ranked(e, x, w), scale=factor)
    x, w = _fitted(e, x, w)
    first, end = span_of(w.shape)
    if _scales(e, first, end):
        return scale(e, x, _spread(x, w, first, end), None, first)
    return product(e, x, e.constant(_whole(x, w)))


def plus(e: Emitter, x: Blob, w: Array) -> Blob:
    """Return x + w of a constant w, broadcast."""
    if w.size == 1:
        return power(e, _ranked(e, x, w), shift=float(w.reshape(())))
    x, w = _fitted(e, x, w)
    first, end = span_of(w.shape)
    if _scales(e, first, end):
        bias = _spread(x, w, first, end)
        return scale(e, x, np.ones_like(bias), bias, first)
    return total(e, x, e.constant(_whole(x, w)))


def sum_of(e: Emitter, a: Blob, b: Blob, coefficients: Sequence[float] = ()) -> Blob:
    """Return a + b of two computed blobs, broadcast, each times its coefficient."""
    shape = joint([a.shape, b.shape])
    return total(e, expand(e, a, shape), expand(e, b, shape), coefficients=coefficients)


def difference_of(e: Emitter, a: Value, b: Value) -> Blob:
    """Return a - b, broadcast."""
    if b.const is not None:
        return plus(e, e.blob(a), -floats(b))
    if a.const is not None:
        return plus(e, negative(e, e.blob(b)), floats(a))
    return sum_of(e, e.blob(a), e.blob(b), MINUS)


def maximum_of(e: Emitter, a: Value, b: Value) -> Blob:
    """Return the maximum of a and b, broadcast."""
    return greatest(e, *_both(e, a, b))


def minimum_of(e: Emitter, a: Value, b: Value) -> Blob:
    """Return the minimum of a and b, broadcast."""
    return negative(e, greatest(e, *(negative(e, x) for x in _both(e, a, b))))


def _both(e: Emitter, a: Value, b: Value) -> list[Blob]:
    """Return both operands in the shape of the result."""
    shape = joint([value.type.static or () for value in (a, b)])
    blobs = []
    for value, other in ((a, b), (b, a)):
        if value.const is not None and value.const.size == 1 and other.const is None:
            whole = expand(e, e.blob(other), shape)
            blobs.append(constant_like(e, whole, float(value.const.reshape(()))))
        else:
            blobs.append(expand(e, e.blob(value), shape))
    return blobs


def constant_like(e: Emitter, x: Blob, number: float) -> Blob:
    """Return a blob of the shape of x that holds one number."""
    return power(e, x, scale=0.0, shift=number)


def joint(shapes: Sequence[Sequence[int]]) -> Sizes:
    """Return the shape that the shapes broadcast to; never that of rank 0."""
    dims = broadcast([tuple(shape) for shape in shapes])
    return tuple(d for d in dims if isinstance(d, int)) or (1,)


def _scales(e: Emitter, first: int, end: int) -> bool:
    return (first, end) == (1, 2) or e.dialect.has("Scale on any axis")


def _ranked(e: Emitter, x: Blob, w: Array) -> Blob:
    return reshape(e, x, (*(1,) * (w.ndim - x.rank), *x.shape))


def _fitted(e: Emitter, x: Blob, w: Array) -> tuple[Blob, Array]:
    """Broadcast x to the shape of the result, and give w its rank."""
    shape = joint([x.shape, w.shape])
    return expand(e, x, shape), w.reshape((1,) * (len(shape) - w.ndim) + w.shape)


def _spread(x: Blob, w: Array, first: int, end: int) -> Array:
    """Return w over the axes from `first` to `end`, with the sizes of x there."""
    inner = w.reshape(w.shape[first:end])
    return np.ascontiguousarray(np.broadcast_to(inner, x.shape[first:end]))


def _whole(x: Blob, w: Array) -> Array:
    return np.ascontiguousarray(np.broadcast_to(w, x.shape))

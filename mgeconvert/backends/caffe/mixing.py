"""Linear maps along one axis, which 1x1 convolutions do: sums, broadcasts, selections, borders."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mgeconvert.backends.caffe.emitter import Blob, Emitter, Sizes
from mgeconvert.backends.caffe.filters import convolution
from mgeconvert.backends.caffe.pieces import (
    AVE,
    MAX,
    flat,
    inner_product,
    negative,
    pooling,
    power,
    product,
    reshape,
    slice_all,
)
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import Array

LONGEST_PRODUCT = 128  # elements that are multiplied with each other


def mix(e: Emitter, x: Blob, axis: int, matrix: Array, bias: Array | None = None) -> Blob:
    """Return matrix @ x + bias along `axis`; the matrix is (outputs, inputs)."""
    before, size, after = flat(x.shape, axis)
    shape = (*x.shape[:axis], matrix.shape[0], *x.shape[axis + 1 :])
    if axis == x.rank - 1 and (axis == 1 or e.dialect.has("InnerProduct on any axis")) and axis:
        return inner_product(e, x, matrix, bias)
    w = matrix.reshape(*matrix.shape, 1, 1)
    if x.rank == 4 and axis == 1:
        return convolution(e, x, w, bias)
    if axis and not e.dialect.has("Reshape across the batch"):
        return reshape(e, _mixed_inside(e, x, axis, w, bias), shape)
    image = reshape(e, x, (before, size, after, 1))
    return reshape(e, convolution(e, image, w, bias), shape)


def _mixed_inside(e: Emitter, x: Blob, axis: int, w: Array, bias: Array | None) -> Blob:
    """Mix along `axis` with the batch left where it is, by Permute where axes are before it."""
    before, _, after = flat(x.shape[1:], axis - 1)
    size = x.shape[axis]
    if before == 1:
        return convolution(e, reshape(e, x, (x.shape[0], size, after, 1)), w, bias)
    image = reshape(e, x, (x.shape[0], before, size, after))
    y = convolution(e, _swapped(e, image), w, bias)
    return _swapped(e, y)


def _swapped(e: Emitter, x: Blob) -> Blob:
    n, a, b, c = x.shape
    return e.layer("Permute", [x], (n, b, a, c), order=[0, 2, 1, 3])


def expand(e: Emitter, x: Blob, shape: Sequence[int]) -> Blob:
    """Return x broadcast to `shape`, by convolutions of ones."""
    shape = tuple(shape)
    x = reshape(e, x, (*(1,) * (len(shape) - x.rank), *x.shape))
    axis = 0
    while axis < len(shape):
        if x.shape[axis] == shape[axis]:
            axis += 1
            continue
        end = axis
        while end < len(shape) and x.shape[end] == 1:  # one convolution for neighbours
            end += 1
        count = math.prod(shape[axis:end])
        merged = (*x.shape[:axis], 1, *x.shape[end:])
        ones = np.ones((count, 1), np.float32)
        x = mix(e, reshape(e, x, merged), axis, ones)
        x = reshape(e, x, (*shape[:end], *x.shape[axis + 1 :]))
        axis = end
    return x


def runs(axes: Sequence[int]) -> list[tuple[int, int]]:
    """Return the runs of neighbours among `axes`, as (first, end), the last run first."""
    found: list[tuple[int, int]] = []
    for axis in sorted(axes):
        if found and found[-1][1] == axis:
            found[-1] = (found[-1][0], axis + 1)
        else:
            found.append((axis, axis + 1))
    return found[::-1]


def sum_over(e: Emitter, x: Blob, axes: Sequence[int], *, mean: bool) -> Blob:
    """Return the sum or mean over `axes`, which stay with one element each."""
    if x.rank == 4 and sorted(axes) == [2, 3]:
        y = pooling(e, x, AVE, kernel=x.shape[2:])
        return y if mean else power(e, y, scale=float(math.prod(x.shape[2:])))
    for first, end in runs(axes):
        count = math.prod(x.shape[first:end])
        shape = (*x.shape[:first], *(1,) * (end - first), *x.shape[end:])
        if count > 1:
            row = np.full((1, count), 1 / count if mean else 1.0, np.float32)
            x = mix(e, reshape(e, x, (*x.shape[:first], count, *x.shape[end:])), first, row)
        x = reshape(e, x, shape)
    return x


def max_over(e: Emitter, x: Blob, axes: Sequence[int]) -> Blob:
    """Return the maximum over `axes`, which stay with one element each."""
    if x.rank == 4 and sorted(axes) == [2, 3]:
        return pooling(e, x, MAX, kernel=x.shape[2:])
    for first, end in runs(axes):
        before, after = math.prod(x.shape[:first]), math.prod(x.shape[end:])
        count = math.prod(x.shape[first:end])
        shape = (*x.shape[:first], *(1,) * (end - first), *x.shape[end:])
        if count > 1:
            image = reshape(e, x, (1, before, count, after))
            x = pooling(e, image, MAX, kernel=(count, 1))
        x = reshape(e, x, shape)
    return x


def min_over(e: Emitter, x: Blob, axes: Sequence[int]) -> Blob:
    """Return the minimum over `axes`, which stay with one element each."""
    return negative(e, max_over(e, negative(e, x), axes))


def product_over(e: Emitter, x: Blob, axes: Sequence[int]) -> Blob:
    """Return the product over `axes`, which stay with one element each."""
    for axis in sorted(axes, reverse=True):
        size = x.shape[axis]
        if size > LONGEST_PRODUCT:
            raise UnsupportedCase(
                f"a product of {size} elements", hint=f"up to {LONGEST_PRODUCT} are possible"
            )
        if size > 1:
            x = product(e, *slice_all(e, x, axis, range(1, size)))
    return x


def select(e: Emitter, x: Blob, axis: int, places: Sequence[int]) -> Blob:
    """Return the elements of x at `places` of `axis`; -1 stands for a zero."""
    matrix = np.zeros((len(places), x.shape[axis]), np.float32)
    for row, place in enumerate(places):
        if place >= 0:
            matrix[row, place] = 1
    return mix(e, x, axis, matrix)


def pad_axis(
    e: Emitter, x: Blob, axis: int, *, before: int, after: int, mode: str, value: float = 0.0
) -> Blob:
    """Return x with elements added along `axis`: "constant", "edge" or "reflect"."""
    size = x.shape[axis]
    places = np.arange(-before, size + after)
    if mode == "edge":
        return select(e, x, axis, np.clip(places, 0, size - 1).tolist())
    if mode == "reflect":
        return select(e, x, axis, np.pad(np.arange(size), (before, after), "reflect").tolist())
    outside = (places < 0) | (places >= size)
    matrix = np.zeros((places.size, size), np.float32)
    matrix[np.flatnonzero(~outside), places[~outside]] = 1
    bias = np.where(outside, np.float32(value), np.float32(0)) if value else None
    return mix(e, x, axis, matrix, bias)


def span_of(shape: Sizes) -> tuple[int, int]:
    """Return the shortest run of axes (first, end) that has all sizes other than 1."""
    axes = [i for i, n in enumerate(shape) if n != 1]
    return (axes[0], axes[-1] + 1) if axes else (0, 0)

"""Images read between their pixels: products with weights max(1 - |i - place|, 0) of all pixels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mgeconvert.backends.caffe.binary import plus, product_of
from mgeconvert.backends.caffe.emitter import Blob, Emitter, floats, sizes
from mgeconvert.backends.caffe.filters import convolution
from mgeconvert.backends.caffe.matrices import LARGEST_HOT, hats, matrix_product, need_few
from mgeconvert.backends.caffe.mixing import expand, mix
from mgeconvert.backends.caffe.moving import cut
from mgeconvert.backends.caffe.pieces import (
    power,
    product,
    relu,
    reshape,
    total,
    unary,
)
from mgeconvert.backends.caffe.rules.table import RULES
from mgeconvert.backends.caffe.whole import floor, nearest
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import Node, ops

LIMITS = "up to 16 million weights, without MatMul 4 million products"


@RULES(ops.Remap, limits=LIMITS)
def remap(e: Emitter, node: Node[ops.Remap]) -> Blob:
    op, x = node.op, e.blob(node.inputs[0])
    n, channels, height, width = x.shape
    shape = sizes(node.output)
    count = shape[2] * shape[3]
    need_few(e, n * count * height * width, LARGEST_HOT)
    places = reshape(e, e.blob(node.inputs[1]), (n, count, 2))
    if op.mode == "nearest":
        places = nearest(e, places)
    columns, rows = (
        _weights(e, reshape(e, cut(e, places, 2, i, 1), (n, 1, count)), size, op.border)
        for i, size in ((0, width), (1, height))
    )
    weights = _outer(e, rows, columns)
    y = matrix_product(e, reshape(e, x, (n, channels, height * width)), weights)
    if op.border == "constant" and op.value:
        y = _with_border(e, y, weights, op.value)
    return reshape(e, y, shape)


def _with_border(e: Emitter, y: Blob, weights: Blob, value: float) -> Blob:
    """Add `value` as often as the weights of (N, pixels, count) lack of 1."""
    inside = mix(e, weights, 1, np.ones((1, weights.shape[1]), np.float32))
    rest = power(e, inside, scale=-value, shift=value)
    return total(e, y, expand(e, rest, y.shape))


def _outer(e: Emitter, rows: Blob, columns: Blob) -> Blob:
    """Return the weights of all pixels, (N, H * W, count), of those of the axes, (N, *, count)."""
    (n, height, count), width = rows.shape, columns.shape[1]
    shape = (n, height, width, count)
    high = expand(e, reshape(e, rows, (n, height, 1, count)), shape)
    wide = expand(e, reshape(e, columns, (n, 1, width, count)), shape)
    return reshape(e, product(e, high, wide), (n, height * width, count))


def _weights(e: Emitter, places: Blob, size: int, border: str) -> Blob:
    """Return the weights (N, size, count) of the pixels of one axis at places (N, 1, count)."""
    if border == "wrap":  # behind the last pixel is the first again
        turns = floor(e, power(e, places, scale=1 / size))
        inside = total(e, places, turns, coefficients=(1.0, -float(size)))
        fold = np.eye(size, size + 1, dtype=np.float32)
        fold[0, size] = 1
        return mix(e, hats(e, inside, 1, size + 1), 1, fold)
    if border == "reflect":  # the mirror is half a pixel outside
        places = power(e, places, shift=0.5)
        places = power(e, _mirrored(e, places, 2 * size), shift=-0.5)
    if border == "reflect_101":
        places = _mirrored(e, places, max(2 * size - 2, 1))
    if border != "constant":
        above = power(e, relu(e, places), scale=-1.0, shift=size - 1.0)
        places = power(e, relu(e, above), scale=-1.0, shift=size - 1.0)
    return hats(e, places, 1, size)


def _mirrored(e: Emitter, places: Blob, period: int) -> Blob:
    """Return how far away the next multiple of `period` is."""
    turns = nearest(e, power(e, places, scale=1 / period))
    return unary(e, "AbsVal", total(e, places, turns, coefficients=(1.0, -float(period))))


@RULES(ops.DeformConv, limits=f"constant filters, {LIMITS}")
def deform_conv(e: Emitter, node: Node[ops.DeformConv]) -> Blob:
    """Read each place of the kernel as an image of its own, and sum them up by a Convolution."""
    x, w, offset, mask, *bias = node.inputs
    if any(v.const is None for v in (w, *bias)):
        raise UnsupportedCase(
            "a convolution whose filters are computed",
            hint="compute them before, so that they are constant",
        )
    n, channels, height, width = sizes(x)
    outputs, share, *kernel = sizes(w)
    taps, out = math.prod(kernel), sizes(node.output)[2:]
    parts = n * (sizes(offset)[1] // (2 * taps))
    count = taps * math.prod(out)
    need_few(e, parts * count * height * width, LARGEST_HOT)
    moved = reshape(e, e.blob(offset), (parts, taps, 2, math.prod(out)))
    rows, columns = (
        hats(e, reshape(e, plus(e, cut(e, moved, 2, i, 1), grid), (parts, 1, count)), 1, size)
        for i, (grid, size) in enumerate(zip(_grids(node.op, kernel, out), (height, width)))
    )
    weights = _outer(e, rows, columns)
    pixels = reshape(e, e.blob(x), (parts, n * channels // parts, height * width))
    read = matrix_product(e, pixels, weights)
    read = product_of(e, read, reshape(e, e.blob(mask), (parts, 1, count)))
    columns = reshape(e, read, (n, channels, taps, math.prod(out)))
    filters = floats(w).reshape(outputs, share, taps, 1)
    y = convolution(e, columns, filters, floats(bias[0]) if bias else None, groups=node.op.groups)
    return reshape(e, y, sizes(node.output))


def _grids(op: ops.DeformConv, kernel: list[int], out: tuple[int, ...]) -> list[Any]:
    """Return the rows and the columns that are read with offsets of 0, (taps, 1, places)."""
    taps, places = np.indices(kernel).reshape(2, -1, 1, 1), np.indices(out).reshape(2, 1, 1, -1)
    return [
        (places[i] * op.stride[i] - op.padding[i][0] + taps[i] * op.dilation[i]).astype(np.float32)
        for i in (0, 1)
    ]

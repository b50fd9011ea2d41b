"""Regions of interest: products of the images with computed weights of their pixels."""

from __future__ import annotations

import numpy as np

from mgeconvert.backends.caffe.emitter import Blob, Emitter
from mgeconvert.backends.caffe.matrices import LARGEST_HOT, hat, hats, matrix_product, need_few
from mgeconvert.backends.caffe.mixing import expand, max_over, mix
from mgeconvert.backends.caffe.moving import cut, permute
from mgeconvert.backends.caffe.pieces import concat, product, relu, reshape
from mgeconvert.backends.caffe.rules.sampling import LIMITS
from mgeconvert.backends.caffe.rules.table import RULES
from mgeconvert.backends.caffe.whole import floor
from mgeconvert.ir import Node, ops


@RULES(ops.RoiAlign, limits=LIMITS)
def roi_align(e: Emitter, node: Node[ops.RoiAlign]) -> Blob:
    """Weigh the pixels of all images for each sample of each region; the regions come last."""
    op, (x, rois) = node.op, (e.blob(v) for v in node.inputs)
    n, channels, height, width = x.shape
    regions = rois.shape[0]
    samples = op.samples if op.mode == "max" else (1, 1)  # means are in the weights
    rows, columns = (a * b for a, b in zip(op.size, samples))
    need_few(e, n * height * width * rows * columns * regions, LARGEST_HOT)
    listed = permute(e, rois, (1, 0))  # (5, K)
    spans = _spans(e, op, listed)
    weights = _outer(e, *(_weights(e, op, spans, i, size) for i, size in ((0, height), (1, width))))
    if n > 1:
        weights = _by_image(e, weights, hats(e, floor(e, cut(e, listed, 0, 0, 1)), 0, n))
    pixels = reshape(e, permute(e, x, (1, 0, 2, 3)), (channels, n * height * width))
    y = matrix_product(e, pixels, reshape(e, weights, (pixels.shape[1], rows * columns * regions)))
    if op.mode == "max":
        y = reshape(e, y, (channels, op.size[0], samples[0], op.size[1], samples[1], regions))
        y = max_over(e, y, (2, 4))
    return permute(e, reshape(e, y, (channels, *op.size, regions)), (3, 0, 1, 2))


def _spans(e: Emitter, op: ops.RoiAlign, listed: Blob) -> Blob:
    """Return top, left, height and width, (4, K), of the listed left, top, right and bottom."""
    corners = np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, -1, 0, 1], [-1, 0, 1, 0]], np.float32)
    offset = np.array([-op.offset, -op.offset, 0, 0], np.float32)
    spans = mix(e, cut(e, listed, 0, 1, 4), 0, corners * np.float32(op.scale), offset)
    return concat(e, [cut(e, spans, 0, 0, 2), relu(e, cut(e, spans, 0, 2, 2))], 0)


def _weights(e: Emitter, op: ops.RoiAlign, spans: Blob, axis: int, size: int) -> Blob:
    """Return the weights of the pixels of one axis, (size, places, K); means are taken here."""
    parts, samples, regions = op.size[axis], op.samples[axis], spans.shape[1]
    count = parts * samples
    places = np.zeros((size, count, 4), np.float32)
    places[..., axis] = 1
    places[..., 2 + axis] = (np.arange(count, dtype=np.float32) + 0.5) / count
    numbers = np.repeat(np.arange(size, dtype=np.float32), count)
    weights = hat(e, mix(e, spans, 0, places.reshape(-1, 4), -numbers))
    if op.mode == "max" or samples == 1:
        return reshape(e, weights, (size, count, regions))
    grouped = reshape(e, weights, (size * parts, samples, regions))
    mean = mix(e, grouped, 1, np.full((1, samples), 1 / samples, np.float32))
    return reshape(e, mean, (size, parts, regions))


def _outer(e: Emitter, rows: Blob, columns: Blob) -> Blob:
    """Return the weights of all pixels (H * W, places * K) of those of the axes, (*, places, K)."""
    (height, high, regions), (width, wide, _) = rows.shape, columns.shape
    shape = (height, width, high, wide, regions)
    first = expand(e, reshape(e, rows, (height, 1, high, 1, regions)), shape)
    second = expand(e, reshape(e, columns, (1, width, 1, wide, regions)), shape)
    return reshape(e, product(e, first, second), (height * width, high * wide * regions))


def _by_image(e: Emitter, weights: Blob, chosen: Blob) -> Blob:
    """Return the weights where the image is the region's, `chosen` (N, K), and 0 elsewhere."""
    n, regions = chosen.shape
    pixels, count = weights.shape[0], weights.shape[1] // regions
    shape = (n, pixels, count, regions)
    own = expand(e, reshape(e, chosen, (n, 1, 1, regions)), shape)
    all_ = expand(e, reshape(e, weights, (1, pixels, count, regions)), shape)
    return reshape(e, product(e, own, all_), (n * pixels, count * regions))

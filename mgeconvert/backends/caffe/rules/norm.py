"""Normalisation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mgeconvert.backends.caffe.binary import plus, product_of, sum_of, times
from mgeconvert.backends.caffe.emitter import Blob, Emitter, floats
from mgeconvert.backends.caffe.mixing import mix, sum_over
from mgeconvert.backends.caffe.pieces import MINUS, batch_norm, power, product, reshape, scale
from mgeconvert.backends.caffe.rules.table import RULES
from mgeconvert.ir import Node, ops


@RULES(ops.BatchNorm)
def batch_norm_(e: Emitter, node: Node[ops.BatchNorm]) -> Blob:
    x, *vectors = node.inputs
    if any(v.const is None for v in vectors):
        return _of_computed(e, node)
    factor, bias, mean, variance = map(floats, vectors)
    return scale(e, batch_norm(e, e.blob(x), mean, variance, node.op.epsilon), factor, bias, 1)


def _of_computed(e: Emitter, node: Node[ops.BatchNorm]) -> Blob:
    """Return the same by arithmetic: the statistics of BatchNorm are weights."""
    x, *vectors = map(e.blob, node.inputs)
    shape = (x.shape[1], *(1,) * (x.rank - 2))
    factor, bias, mean, variance = (reshape(e, v, shape) for v in vectors)
    inverse = power(e, variance, shift=node.op.epsilon, exponent=-0.5)
    centred = sum_of(e, x, mean, MINUS)
    return sum_of(e, product_of(e, centred, product(e, factor, inverse)), bias)


@RULES(ops.LayerNorm)
def layer_norm(e: Emitter, node: Node[ops.LayerNorm]) -> Blob:
    x = e.blob(node.inputs[0])
    lead = math.prod(x.shape[: node.op.axis])
    rows = reshape(e, x, (lead, 1, x.size // lead, 1))
    y = reshape(e, standardize(e, rows, node.op.epsilon), x.shape)
    return _affine(e, y, node, 0)


@RULES(ops.GroupNorm)
def group_norm(e: Emitter, node: Node[ops.GroupNorm]) -> Blob:
    x, groups = e.blob(node.inputs[0]), node.op.groups
    rows = reshape(e, x, (x.shape[0], groups, x.size // x.shape[0] // groups, 1))
    y = reshape(e, standardize(e, rows, node.op.epsilon), x.shape)
    return _affine(e, y, node, x.rank - 2)


def _affine(e: Emitter, y: Blob, node: Node[Any], trailing: int) -> Blob:
    """Apply scale and bias, whose axes are followed by `trailing` others."""
    affine = node.inputs[1:]
    if all(v.const is not None for v in affine):
        arrays = [floats(v).reshape(*floats(v).shape, *(1,) * trailing) for v in affine]
        for array, apply in zip(arrays, (times, plus)):
            y = apply(e, y, array)
        return y
    blobs = [e.blob(v) for v in affine]
    blobs = [reshape(e, b, (*b.shape, *(1,) * trailing)) for b in blobs]
    y = product_of(e, y, blobs[0])
    return sum_of(e, y, blobs[1]) if len(blobs) > 1 else y


def standardize(e: Emitter, x: Blob, epsilon: float) -> Blob:
    """Return x (N, C, L, 1) with mean 0 and variance 1 over L.

    MVN subtracts the mean only: it would divide by sqrt(variance) + eps.
    """
    if e.dialect.has("MVN"):
        centred = e.layer("MVN", [x], x.shape, normalize_variance=False)
    else:
        centred = sum_of(e, x, sum_over(e, x, (2, 3), mean=True), MINUS)
    variance = sum_over(e, power(e, centred, exponent=2.0), (2, 3), mean=True)
    return product_of(e, centred, power(e, variance, shift=epsilon, exponent=-0.5))


@RULES(ops.LocalResponseNorm)
def local_response_norm(e: Emitter, node: Node[ops.LocalResponseNorm]) -> Blob:
    op, x = node.op, e.blob(node.inputs[0])
    if op.size % 2 and x.rank == 4 and op.k > 0:  # Caffe's has k = 1
        y = e.layer("LRN", [x], x.shape, local_size=op.size, alpha=op.alpha / op.k, beta=op.beta)
        return power(e, y, scale=op.k**-op.beta)
    channels = x.shape[1]
    distance = np.arange(channels)[None, :] - np.arange(channels)[:, None]
    before = (op.size - 1) // 2
    near = (distance >= -before) & (distance <= op.size - 1 - before)
    sums = mix(e, power(e, x, exponent=2.0), 1, near.astype(np.float32))
    factor = power(e, sums, scale=op.alpha / op.size, shift=op.k, exponent=-op.beta)
    return product(e, x, factor)

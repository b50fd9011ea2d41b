"""Reading and writing at computed places: products with one-hot numbers, which ReLU makes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mgeconvert.backends.caffe.binary import product_of, times
from mgeconvert.backends.caffe.emitter import Blob, Emitter, Sizes, floats, sizes
from mgeconvert.backends.caffe.matrices import LARGEST_PRODUCT, hats, need_few, picked
from mgeconvert.backends.caffe.mixing import mix, pad_axis, select, sum_over
from mgeconvert.backends.caffe.moving import cut, permute
from mgeconvert.backends.caffe.pieces import (
    difference,
    flat,
    inner_product,
    negative,
    relu,
    reshape,
    total,
)
from mgeconvert.backends.caffe.rules.masking import infinite, split_infinities
from mgeconvert.backends.caffe.rules.table import RULES
from mgeconvert.backends.caffe.whole import inverted, positive
from mgeconvert.ir import Array, DType, Node, Value, ops

NATURAL = (ops.ArgMax, ops.ArgMin, ops.TopK)
"""Operators that make no negative places."""

NATURAL_TYPES = (DType.BOOL, DType.U8, DType.U16)
SAME = (ops.Cast, ops.Expand, ops.Reshape, ops.Slice, ops.Squeeze, ops.Transpose, ops.Unsqueeze)
"""Operators whose result has only numbers of what they read."""


@RULES(ops.OneHot, limits="up to 16 million numbers")
def one_hot(e: Emitter, node: Node[ops.OneHot]) -> Blob:
    index = e.blob(node.inputs[0])
    hot = hats(e, reshape(e, index, (index.size, 1)), 1, node.op.depth)
    return reshape(e, hot, sizes(node.output))


@RULES(ops.Gather, limits="computed indices: up to 4 million products, or a constant table")
def gather(e: Emitter, node: Node[ops.Gather]) -> Blob:
    (x, indices), axis = node.inputs, node.op.axis
    shape = sizes(x)
    size = shape[axis]
    if indices.const is not None:
        places = [int(i) % size for i in indices.const.reshape(-1)]
        return reshape(e, _taken(e, e.blob(x), axis, places), sizes(node.output))
    before, _, after = flat(shape, axis)
    index = _counted(e, indices, size)
    if x.const is not None:
        table = floats(x).reshape(before, size, after).swapaxes(0, 1).reshape(size, -1)
        rows = reshape(e, _looked_up(e, index, table), (index.size, before, after))
        return reshape(e, permute(e, rows, (1, 0, 2)), sizes(node.output))
    hot = hats(e, reshape(e, index, (1, index.size, 1, 1)), 2, size)
    rows = reshape(e, e.blob(x), (before, 1, size, after))
    return reshape(e, picked(e, hot, rows), sizes(node.output))


def _taken(e: Emitter, x: Blob, axis: int, places: list[int]) -> Blob:
    first = places[0]
    if places == [*range(first, first + len(places))]:
        return cut(e, x, axis, first, len(places))
    return select(e, x, axis, places)


@RULES(ops.GatherElements, limits="up to 4 million products")
def gather_elements(e: Emitter, node: Node[ops.GatherElements]) -> Blob:
    (x, indices), axis = node.inputs, node.op.axis
    shape, data = sizes(indices), e.blob(x)
    for i, count in enumerate(shape):
        data = data if i == axis else cut(e, data, i, 0, count)
    before, size, after = flat(data.shape, axis)
    count = shape[axis]
    need_few(e, before * count * size * after, LARGEST_PRODUCT)
    index = reshape(e, _counted(e, indices, size), (before, count, 1, after))
    hot = hats(e, index, 2, size)
    return reshape(e, picked(e, hot, reshape(e, data, (before, 1, size, after))), shape)


@RULES(ops.GatherNd, limits="up to 4 million products, or a constant table")
def gather_nd(e: Emitter, node: Node[ops.GatherNd]) -> Blob:
    (x, indices), lead = node.inputs, node.op.batch_dims
    shape, index = sizes(x), _address(e, indices, sizes(x)[lead:])
    depth = sizes(indices)[-1]
    batch, size = math.prod(shape[:lead]), math.prod(shape[lead : lead + depth])
    if x.const is not None and batch == 1:
        return reshape(e, _looked_up(e, index, floats(x).reshape(size, -1)), sizes(node.output))
    hot = hats(e, reshape(e, index, (batch, index.size // batch, 1, 1)), 2, size)
    rows = reshape(e, e.blob(x), (batch, 1, size, math.prod(shape[lead + depth :])))
    return reshape(e, picked(e, hot, rows), sizes(node.output))


@RULES(ops.ScatterElements, limits="up to 4 million products")
def scatter_elements(e: Emitter, node: Node[ops.ScatterElements]) -> Blob:
    _, indices, updates = node.inputs
    axis, shape = node.op.axis, sizes(node.output)
    before, size, after = flat(shape, axis)
    count = sizes(indices)[axis]
    need_few(e, before * size * count * after, LARGEST_PRODUCT)
    index, written = _counted(e, indices, size), e.blob(updates)
    for i, length in enumerate(shape):  # what is not written is written nowhere
        rest = length - index.shape[i]
        if rest and i != axis:
            index = pad_axis(e, index, i, before=0, after=rest, mode="constant", value=-1.0)
            written = pad_axis(e, written, i, before=0, after=rest, mode="constant")
    hot = hats(e, reshape(e, index, (before, 1, count, after)), 1, size)
    rows = reshape(e, written, (before, 1, count, after))
    return _written(e, node, hot, rows)


@RULES(ops.ScatterNd, limits="up to 4 million products")
def scatter_nd(e: Emitter, node: Node[ops.ScatterNd]) -> Blob:
    x, indices, updates = node.inputs
    shape, depth = sizes(x), sizes(indices)[-1]
    size, rest = math.prod(shape[:depth]), math.prod(shape[depth:])
    index = _address(e, indices, shape)
    hot = hats(e, reshape(e, index, (1, 1, index.size, 1)), 1, size)
    return _written(e, node, hot, reshape(e, e.blob(updates), (1, 1, index.size, rest)))


def _written(e: Emitter, node: Node[Any], hot: Blob, rows: Blob) -> Blob:
    """Return x with `rows` (P, 1, writes, Q) where `hot` (P, size, writes, Q or 1) is 1."""
    x, shape = e.blob(node.inputs[0]), sizes(node.output)
    if node.op.reduction == "none":
        hot = _last(e, hot)
    added = reshape(e, picked(e, hot, rows), shape)
    if node.op.reduction == "none":
        kept = inverted(e, sum_over(e, hot, (2,), mean=False))  # (P, size, 1, Q or 1)
        whole = reshape(e, x, (rows.shape[0], hot.shape[1], 1, rows.shape[3]))
        x = reshape(e, product_of(e, whole, kept), shape)
    return total(e, x, added)


def _last(e: Emitter, hot: Blob) -> Blob:
    """Return `hot` with only the last of several writes to a place."""
    writes = hot.shape[2]
    if writes == 1:
        return hot
    later = mix(e, hot, 2, np.triu(np.ones((writes, writes), np.float32), 1))
    return relu(e, difference(e, hot, later))


def _looked_up(e: Emitter, index: Blob, table: Array) -> Blob:
    """Return the rows of a constant table (size, n) at all of the index, as (count, n)."""
    hot = hats(e, reshape(e, index, (index.size, 1)), 1, len(table))
    finite, signs = split_infinities(table)
    found = inner_product(e, hot, np.ascontiguousarray(finite.T))
    if signs is None:
        return found
    ends = inner_product(e, hot, np.ascontiguousarray(signs.T))
    return total(e, found, infinite(e, ends))


def _counted(e: Emitter, indices: Value, size: int) -> Blob:
    """Return the indices counted from the start, where negative ones count from the end."""
    if indices.const is not None:
        return e.constant(floats(indices) % np.float32(size))
    index = e.blob(indices)
    if _is_natural(indices):
        return index
    below = positive(e, negative(e, index), whole=True)
    return total(e, index, below, coefficients=(1.0, float(size)))


def _is_natural(value: Value) -> bool:
    """Whether all numbers of a value are known to be 0 or more."""
    while value.producer is not None and isinstance(value.producer.op, SAME):
        value = value.producer.inputs[0]
        if value.type.dtype in NATURAL_TYPES:
            return True
    return value.producer is not None and isinstance(value.producer.op, NATURAL)


def _address(e: Emitter, indices: Value, shape: Sizes) -> Blob:
    """Return the places in the flat tensor of `shape` that the last axis of the indices gives."""
    depth = sizes(indices)[-1]
    steps = np.array([math.prod(shape[i + 1 : depth]) for i in range(depth)], np.float32)
    lengths = np.array(shape[:depth], np.float32)
    if indices.const is not None:
        return e.constant((floats(indices) % lengths) @ steps)
    index = reshape(e, e.blob(indices), (math.prod(sizes(indices)[:-1]), depth))
    if not _is_natural(indices):
        below = positive(e, negative(e, index), whole=True)
        index = total(e, index, times(e, below, lengths))
    return mix(e, index, 1, steps.reshape(1, -1))

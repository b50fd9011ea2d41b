"""Convolutions and matrix products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mgeconvert.backends.caffe.binary import joint, plus, sum_of
from mgeconvert.backends.caffe.emitter import Blob, Emitter, floats
from mgeconvert.backends.caffe.filters import convolution
from mgeconvert.backends.caffe.matrices import matrix_product
from mgeconvert.backends.caffe.mixing import expand, mix
from mgeconvert.backends.caffe.moving import cut, permute
from mgeconvert.backends.caffe.pieces import inner_product, reshape
from mgeconvert.backends.caffe.rules.table import RULES
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import Array, Node, Quant, Value, ops

LARGEST_KERNEL = 2048  # elements of computed filters, each of which is a one-hot filter


@RULES(ops.Conv, limits="computed filters: by MatMul, or up to 4 million products")
def conv(e: Emitter, node: Node[ops.Conv]) -> Blob:
    x, w, *biases = node.inputs
    if w.const is None:
        y = _by_products(e, e.blob(x), e.blob(w), node.op)
        return biased(e, y, biases, 1)
    constant, computed = parted(biases)
    quants = [v.quant for v in (w, *constant)]
    y = correlate(e, e.blob(x), floats(w), _first(constant), node.op, quants=quants)
    return biased(e, y, computed, 1)


def parted(values: Sequence[Value]) -> tuple[list[Value], list[Value]]:
    """Return those that are constant, and those that are computed."""
    constant = [v for v in values if v.const is not None]
    return constant, [v for v in values if v.const is None]


def biased(e: Emitter, y: Blob, biases: Sequence[Value], axis: int) -> Blob:
    """Return y plus vectors along `axis`."""
    for value in biases:
        shape = (y.shape[axis], *(1,) * (y.rank - 1 - axis))
        if value.const is not None:
            y = plus(e, y, floats(value).reshape(shape))
        else:
            y = sum_of(e, y, reshape(e, e.blob(value), shape))
    return y


def _first(values: Sequence[Value]) -> Array | None:
    return floats(values[0]) if values else None


def correlate(
    e: Emitter,
    x: Blob,
    w: Array,
    bias: Array | None,
    op: ops.Conv,
    *,
    quants: Sequence[Quant | None] = (None,),
) -> Blob:
    """Return what `op` makes of x with constant filters, over 1 to 3 axes, with any padding."""
    stride, dilation, padding = list(op.stride), list(op.dilation), list(op.padding)
    line = x.rank == 3
    if line:
        x, w = as_image(e, x), w.reshape(*w.shape, 1)
        stride, dilation, padding = [*stride, 1], [*dilation, 1], [*padding, (0, 0)]
    if x.rank == 5:
        e.dialect.need("Convolution of 3 spatial axes")
    kernel = [d * (k - 1) + 1 for k, d in zip(w.shape[2:], dilation)]
    spatial = [
        (n + sum(p) - k) // s + 1 for n, k, s, p in zip(x.shape[2:], kernel, stride, padding)
    ]
    skips = [-(-max(after - before, 0) // s) for (before, after), s in zip(padding, stride)]
    pad = [before + skip * s for (before, _), skip, s in zip(padding, skips, stride)]
    y = convolution(e, x, w, bias, stride=stride, pad=pad, dilation=dilation, groups=op.groups)
    y.layer.quants = list(quants)
    for axis, (skip, size) in enumerate(zip(skips, spatial), 2):
        y = cut(e, y, axis, skip, size)
    return reshape(e, y, y.shape[:3]) if line else y


def _by_products(e: Emitter, x: Blob, w: Blob, op: ops.Conv) -> Blob:
    """Return the convolution with computed filters: their product with what each window has."""
    batch, groups, kernel = x.shape[0], op.groups, w.shape[2:]
    columns = x
    if math.prod((*kernel, *op.stride)) > 1 or any(map(any, op.padding)):
        alone = reshape(e, x, (batch * x.shape[1], 1, *x.shape[2:]))
        columns = correlate(e, alone, one_hot(kernel), None, replace(op, groups=1))
    size = w.size // w.shape[0]
    rows = reshape(e, columns, (batch * groups, size, columns.size // (batch * groups * size)))
    filters = repeated(e, reshape(e, w, (groups, w.shape[0] // groups, size)), batch)
    return reshape(e, matrix_product(e, filters, rows), (batch, w.shape[0], *columns.shape[2:]))


def one_hot(kernel: Sequence[int]) -> Array:
    """Return one filter (n, 1, *kernel) for each of the n elements of a kernel."""
    count = math.prod(kernel)
    if count > LARGEST_KERNEL:
        raise UnsupportedCase(
            f"a convolution with computed filters of {count} elements",
            hint=f"up to {LARGEST_KERNEL} are possible",
        )
    return np.eye(count, dtype=np.float32).reshape(count, 1, *kernel)


def repeated(e: Emitter, w: Blob, batch: int) -> Blob:
    """Return w (G, a, b) `batch` times, (batch * G, a, b)."""
    whole = expand(e, reshape(e, w, (1, *w.shape)), (batch, *w.shape))
    return reshape(e, whole, (batch * w.shape[0], *w.shape[1:]))


def as_image(e: Emitter, x: Blob) -> Blob:
    """Return a sequence (N, C, L) as an image of one column."""
    return reshape(e, x, (*x.shape, 1))


@RULES(ops.Linear)
def linear(e: Emitter, node: Node[ops.Linear]) -> Blob:
    x, w, *biases = node.inputs
    if w.const is None:
        y = by_rows(e, e.blob(x), e.blob(w))
        return biased(e, y, biases, y.rank - 1)
    constant, computed = parted(biases)
    y = _rows(e, e.blob(x), floats(w), _first(constant))
    return biased(e, y, computed, y.rank - 1)


def by_rows(e: Emitter, x: Blob, w: Blob) -> Blob:
    """Return x (*B, s) @ w.T of a computed w (m, s); the smaller of both is transposed."""
    count, size = w.shape
    rows = reshape(e, x, (x.size // size, size))
    if rows.shape[0] <= min(count, size):
        turned = matrix_product(e, w, permute(e, rows, (1, 0)))
        y = permute(e, turned, (1, 0))
    else:
        y = matrix_product(e, rows, permute(e, w, (1, 0)))
    return reshape(e, y, (*x.shape[:-1], count))


def _rows(e: Emitter, x: Blob, w: Array, bias: Array | None = None) -> Blob:
    """Return x @ w.T + bias for x of any rank."""
    if x.rank > 1:
        return mix(e, x, x.rank - 1, w, bias)
    return reshape(e, inner_product(e, reshape(e, x, (1, *x.shape)), w, bias), (w.shape[0],))


@RULES(ops.MatMul)
def matmul(e: Emitter, node: Node[ops.MatMul]) -> Blob:
    a, b = node.inputs
    if _is_matrix(b):
        return _rows(e, e.blob(a), _matrix(b).T)
    if _is_matrix(a):
        x = e.blob(b)
        return mix(e, x, x.rank - 2, _matrix(a))
    x, y = e.blob(a), e.blob(b)
    lead = joint([x.shape[:-2], y.shape[:-2]]) if x.rank + y.rank > 4 else ()
    x, y = expand(e, x, (*lead, *x.shape[-2:])), expand(e, y, (*lead, *y.shape[-2:]))
    return matrix_product(e, x, y)


def _is_matrix(value: Value) -> bool:
    """Whether it is constant and the same for all of a batch."""
    return value.const is not None and math.prod(value.const.shape[:-2]) == 1


def _matrix(value: Value) -> Array:
    array = floats(value)
    return array.reshape(array.shape[-2:])

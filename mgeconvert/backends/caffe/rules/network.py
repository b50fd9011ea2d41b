"""Convolutions and matrix products."""

from __future__ import annotations

import math

from mgeconvert.backends.caffe.binary import joint
from mgeconvert.backends.caffe.emitter import Blob, Emitter, floats
from mgeconvert.backends.caffe.filters import convolution
from mgeconvert.backends.caffe.matrices import matrix_product
from mgeconvert.backends.caffe.mixing import expand, mix
from mgeconvert.backends.caffe.moving import cut
from mgeconvert.backends.caffe.pieces import inner_product, reshape
from mgeconvert.backends.caffe.rules.table import RULES
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import Array, Node, Value, ops

HINT = "compute it before, so that it is constant"


@RULES(ops.Conv, limits="constant filters")
def conv(e: Emitter, node: Node[ops.Conv]) -> Blob:
    op, (x, w, bias) = node.op, weights_of(e, node)
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
    y.layer.quants = [v.quant for v in node.inputs[1:]]
    for axis, (skip, size) in enumerate(zip(skips, spatial), 2):
        y = cut(e, y, axis, skip, size)
    return reshape(e, y, y.shape[:3]) if line else y


def weights_of(
    e: Emitter, node: Node[ops.Conv] | Node[ops.ConvTranspose]
) -> tuple[Blob, Array, Array | None]:
    """Return the image, the filters and the bias; raise UnsupportedCase for computed filters."""
    x, *weights = node.inputs
    if any(v.const is None for v in weights):
        raise UnsupportedCase("a convolution whose filters are computed", hint=HINT)
    w, *bias = map(floats, weights)
    return e.blob(x), w, bias[0] if bias else None


def as_image(e: Emitter, x: Blob) -> Blob:
    """Return a sequence (N, C, L) as an image of one column."""
    return reshape(e, x, (*x.shape, 1))


@RULES(ops.Linear)
def linear(e: Emitter, node: Node[ops.Linear]) -> Blob:
    x, w, *bias = node.inputs
    if any(v.const is None for v in (w, *bias)):
        raise UnsupportedCase("a linear layer whose weights are computed", hint=HINT)
    return _rows(e, e.blob(x), floats(w), floats(bias[0]) if bias else None)


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

"""Transposed convolutions: Deconvolution, over three axes Convolution of spaced elements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mgeconvert.backends.caffe.emitter import Blob, Emitter, floats
from mgeconvert.backends.caffe.filters import convolution, deconvolution, spread
from mgeconvert.backends.caffe.matrices import matrix_product
from mgeconvert.backends.caffe.mixing import select
from mgeconvert.backends.caffe.moving import permute
from mgeconvert.backends.caffe.pieces import reshape
from mgeconvert.backends.caffe.rules.network import (
    as_image,
    biased,
    one_hot,
    parted,
    repeated,
)
from mgeconvert.backends.caffe.rules.table import RULES
from mgeconvert.ir import Array, Node, Quant, ops


@RULES(ops.ConvTranspose, limits="computed filters: by MatMul, or up to 4 million products")
def conv_transpose(e: Emitter, node: Node[ops.ConvTranspose]) -> Blob:
    x, w, *biases = node.inputs
    if w.const is None:
        return biased(e, _by_products(e, e.blob(x), e.blob(w), node.op), biases, 1)
    constant, computed = parted(biases)
    bias = floats(constant[0]) if constant else None
    quants = [v.quant for v in (w, *constant)]
    y = _transposed(e, e.blob(x), floats(w), bias, node.op, quants=quants)
    return biased(e, y, computed, 1)


def _by_products(e: Emitter, x: Blob, w: Blob, op: ops.ConvTranspose) -> Blob:
    """Multiply each element with computed filters; one-hot filters add up what overlaps."""
    batch, groups, outputs = x.shape[0], op.groups, w.shape[1] * op.groups
    inputs = x.shape[1] // groups
    filters = permute(e, reshape(e, w, (groups, inputs, w.size // w.shape[0])), (0, 2, 1))
    rows = reshape(e, x, (batch * groups, inputs, x.size // (batch * x.shape[1])))
    windows = matrix_product(e, repeated(e, filters, batch), rows)
    hot = one_hot(w.shape[2:])
    alone = reshape(e, windows, (batch * outputs, len(hot), *x.shape[2:]))
    y = _transposed(e, alone, hot, None, replace(op, groups=1))
    return reshape(e, y, (batch, outputs, *y.shape[2:]))


def _transposed(
    e: Emitter,
    x: Blob,
    w: Array,
    bias: Array | None,
    op: ops.ConvTranspose,
    *,
    quants: Sequence[Quant | None] = (None,),
) -> Blob:
    """Return what `op` makes of x with constant filters, over 1 to 3 axes, with any padding."""
    if x.rank == 5:
        return _by_convolution(e, x, w, bias, op, quants=quants)
    stride, edges = list(op.stride), []
    for axis, (d, (before, after), extra) in enumerate(
        zip(op.dilation, op.padding, op.output_padding), 2
    ):
        w = spread(w, axis, d)  # OpenCV ignores the dilation of Deconvolution
        edges.append((before, after - extra))
    line = x.rank == 3
    if line:
        x, w, stride, edges = (
            as_image(e, x),
            w.reshape(*w.shape, 1),
            [*stride, 1],
            [*edges, (0, 0)],
        )
    pad = [max(before, after, 0) for before, after in edges]
    longer = [(p - before, p - after) for p, (before, after) in zip(pad, edges)]
    if any(map(any, longer)):  # zeros around the kernel make the padding even
        w = np.pad(w, ((0, 0), (0, 0), *longer))
    y = deconvolution(e, x, w, bias, stride=stride, pad=pad, groups=op.groups)
    y.layer.quants = list(quants)
    return reshape(e, y, y.shape[:3]) if line else y


def _by_convolution(
    e: Emitter,
    x: Blob,
    w: Array,
    bias: Array | None,
    op: ops.ConvTranspose,
    *,
    quants: Sequence[Quant | None],
) -> Blob:
    """Put the zeros of the strides between the elements, then convolve with the turned kernel."""
    e.dialect.need("Convolution of 3 spatial axes")
    for axis, (stride, k, d, (before, after), extra) in enumerate(
        zip(op.stride, w.shape[2:], op.dilation, op.padding, op.output_padding), 2
    ):
        reach = d * (k - 1)
        places = _spaced(x.shape[axis], stride, reach - before, reach - after + extra)
        if places != [*range(x.shape[axis])]:
            x = select(e, x, axis, places)
    inputs, outputs = w.shape[0] // op.groups, w.shape[1]
    turned = w[:, :, ::-1, ::-1, ::-1].reshape(op.groups, inputs, outputs, *w.shape[2:])
    filters = np.ascontiguousarray(turned.swapaxes(1, 2)).reshape(-1, inputs, *w.shape[2:])
    y = convolution(
        e,
        x,
        filters,
        bias,
        stride=(1, 1, 1),
        pad=(0, 0, 0),
        dilation=op.dilation,
        groups=op.groups,
    )
    y.layer.quants = [_turned(quants[0], op.groups), *quants[1:]]
    return y


def _turned(quant: Quant | None, groups: int) -> Quant | None:
    """Return the parameters of filters whose first axes change places."""
    if quant is None or quant.axis is None or quant.axis > 1:
        return quant
    return replace(quant, axis=1 - quant.axis) if groups == 1 else None


def _spaced(size: int, stride: int, before: int, after: int) -> list[int]:
    """Return an axis with zeros (-1) in between and around; negative numbers cut off instead."""
    places = [n // stride if n % stride == 0 else -1 for n in range((size - 1) * stride + 1)]
    places = [-1] * before + places + [-1] * after
    return places[max(-before, 0) : len(places) - max(-after, 0)]

"""Transposed convolutions: Deconvolution, over three axes Convolution of spaced elements."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mgeconvert.backends.caffe.emitter import Blob, Emitter
from mgeconvert.backends.caffe.filters import convolution, deconvolution, spread
from mgeconvert.backends.caffe.mixing import select
from mgeconvert.backends.caffe.pieces import reshape
from mgeconvert.backends.caffe.rules.network import as_image, weights_of
from mgeconvert.backends.caffe.rules.table import RULES
from mgeconvert.ir import Array, Node, Quant, ops


@RULES(ops.ConvTranspose, limits="constant filters")
def conv_transpose(e: Emitter, node: Node[ops.ConvTranspose]) -> Blob:
    op, (x, w, bias) = node.op, weights_of(e, node)
    if x.rank == 5:
        return _by_convolution(e, node, x, w, bias)
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
    y.layer.quants = [v.quant for v in node.inputs[1:]]
    return reshape(e, y, y.shape[:3]) if line else y


def _by_convolution(
    e: Emitter, node: Node[ops.ConvTranspose], x: Blob, w: Array, bias: Array | None
) -> Blob:
    """Put the zeros of the strides between the elements, then convolve with the turned kernel."""
    e.dialect.need("Convolution of 3 spatial axes")
    op = node.op
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
    y.layer.quants = [v.quant for v in node.inputs[1:]]
    y.layer.quants[0] = _turned(node.inputs[1].quant, op.groups)
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

"""Convolutions: to N,H,W,C with TFLite's own padding, one spatial axis as two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mgeconvert.backends.tflite.dialect import (
    TflConv,
    TflDepthwise,
    TflTransposeConv,
    same_padding,
)
from mgeconvert.backends.tflite.legalize.images import (
    bias_for,
    first,
    is_same,
    last,
    padded,
    permuted,
    with_axis,
)
from mgeconvert.backends.tflite.legalize.same import with_same_kernel
from mgeconvert.backends.tflite.legalize.table import LEGAL, Rewriter
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import Node, Value, ops
from mgeconvert.ir.dims import Dim


@LEGAL(ops.Conv)
def conv(b: Rewriter, node: Node[ops.Conv]) -> Value:
    x, w, *bias = node.inputs
    if x.type.rank == 3:
        return _widened(b, node)
    sizes = [_number(n, "the number of filters or the kernel") for n in w.type.shape]
    channels = x.type.shape[1]
    if node.op.groups > 1 and x.type.rank == 5:
        return _by_groups(b, node)
    if b.session.options.prefer_same_pad_mode and _needs_pad(node, sizes[2:]):
        extended = with_same_kernel(b, node)
        if extended is not None:
            return extended
    offset = bias[0] if bias else bias_for(b, x, sizes[0])
    y, same = _windows(b, node, sizes[2:])
    if x.type.rank == 4 and node.op.groups == channels and sizes[1] == 1:
        w = permuted(b, w, (1, 2, 3, 0))
        made = TflDepthwise(stride=node.op.stride, dilation=node.op.dilation, same=same)
        return first(b, b.emit(made, y, w, offset))
    w = permuted(b, w, (0, 2, 3, 1) if x.type.rank == 4 else (2, 3, 4, 1, 0))
    full = TflConv(stride=node.op.stride, dilation=node.op.dilation, same=same)
    return first(b, b.emit(full, y, w, offset))


def _needs_pad(node: Node[ops.Conv], kernel: Sequence[int]) -> bool:
    """Return whether neither SAME nor VALID is the padding."""
    op, sizes = node.op, node.inputs[0].type.shape[2:]
    same = is_same(sizes, op.padding, kernel=kernel, stride=op.stride, dilation=op.dilation)
    return not same and any(any(pair) for pair in op.padding)


def _windows(b: Rewriter, node: Node[ops.Conv], kernel: Sequence[int]) -> tuple[Value, bool]:
    """Return the image, channels last and padded if needed, and whether SAME does the rest."""
    x = node.inputs[0]
    op = node.op
    same = is_same(
        x.type.shape[2:], op.padding, kernel=kernel, stride=op.stride, dilation=op.dilation
    )
    image = last(b, x)
    image.quant = x.quant
    if same and any(any(p) for p in op.padding):
        return image, True
    return padded(b, image, op.padding), False


def _widened(b: Rewriter, node: Node[Any]) -> Value:
    """One spatial axis is two, the first of one element."""
    x, w, *bias = node.inputs
    op = node.op
    changes: dict[str, Any] = {
        "stride": (1, *op.stride),
        "padding": ((0, 0), *op.padding),
        "dilation": (1, *op.dilation),
    }
    if isinstance(op, ops.ConvTranspose):
        changes["output_padding"] = (0, *op.output_padding)
    image = b.unsqueeze(x, [2])
    image.quant = x.quant
    y = b.emit(replace(op, **changes), image, with_axis(b, w, 2), *bias)
    y.quant = node.output.quant
    return b.squeeze(y, [2])


def _by_groups(b: Rewriter, node: Node[Any]) -> Value:
    """Compute each group of channels by itself."""
    x, w, *bias = node.inputs
    op, groups = node.op, node.op.groups
    channels = _number(x.type.shape[1], "the number of channels")
    filters = _number(w.type.shape[0], "the number of filters")
    parts = b.emit_multi(ops.Split(axis=1, sizes=(channels // groups,) * groups), x)
    made = []
    for i, part in enumerate(parts):
        part.quant = x.quant
        step = filters // groups
        mine = [_rows(b, v, i * step, step) for v in (w, *_filter_bias(op, bias))]
        if isinstance(op, ops.ConvTranspose) and bias:
            count = _number(w.type.shape[1], "the number of filters")
            mine.append(_rows(b, bias[0], i * count, count))
        one = b.emit(replace(op, groups=1), part, *mine)
        one.quant = node.output.quant
        made.append(one)
    return b.emit(ops.Concat(axis=1), *made)


def _filter_bias(op: Any, bias: Sequence[Value]) -> Sequence[Value]:
    return () if isinstance(op, ops.ConvTranspose) else bias


def _rows(b: Rewriter, x: Value, start: int, count: int) -> Value:
    """Return a part of the first axis of weights or bias."""
    if x.const is None:
        spans: list[Any] = [(start, start + count, 1), *[None] * (x.type.rank - 1)]
        return b.slice(x, spans)
    made = b.constant(x.const[start : start + count], x.name)
    made.quant = x.quant
    if x.quant is not None and x.quant.axis == 0:
        zeros = x.quant.zero_point
        made.quant = replace(
            x.quant,
            scale=x.quant.scale[start : start + count],
            zero_point=zeros if len(zeros) == 1 else zeros[start : start + count],
        )
    return made


@LEGAL(ops.ConvTranspose)
def conv_transpose(b: Rewriter, node: Node[ops.ConvTranspose]) -> Value:
    x, w, *bias = node.inputs
    op = node.op
    if x.type.rank == 3:
        return _widened(b, node)
    if op.groups > 1:
        return _by_groups(b, node)
    if any(d > 1 for d in op.dilation):
        return conv_transpose_dilated(b, node)
    kernel = [_number(n, "the kernel") for n in w.type.shape[2:]]
    image = last(b, x)
    image.quant = x.quant
    w = permuted(b, w, (1, 2, 3, 0) if x.type.rank == 4 else (2, 3, 4, 1, 0))
    size = node.output.type.shape[2:]
    if _cuts_same(size, x.type.shape[2:], op, kernel):
        y = b.emit(TflTransposeConv(stride=op.stride, size=size, same=True), image, w, *bias)
        return first(b, y)
    full = tuple(
        (n - 1) * s + k + max(extra - after, 0)
        for n, s, k, (_, after), extra in zip(
            x.type.shape[2:], op.stride, kernel, op.padding, op.output_padding
        )
    )
    y = b.emit(TflTransposeConv(stride=op.stride, size=full, same=False), image, w, *bias)
    y.quant = node.output.quant
    spans = [(a, a + n, 1) for (a, _), n in zip(op.padding, size)]
    y = b.slice(y, [None, *spans, None])
    return first(b, y)


def _cuts_same(
    size: Sequence[Dim], before: Sequence[Dim], op: ops.ConvTranspose, kernel: Sequence[int]
) -> bool:
    """Return whether SAME cuts off exactly the padding of `op`."""
    return all(
        isinstance(n, int)
        and isinstance(old, int)
        and -(-n // s) == old
        and same_padding(n, kernel=k, stride=s)[0] == p[0]
        and k >= s
        for n, old, s, p, k in zip(size, before, op.stride, op.padding, kernel)
    )


def conv_transpose_dilated(b: Rewriter, node: Node[ops.ConvTranspose]) -> Value:
    """A kernel with zeros between its elements is the dilated one."""
    x, w, *bias = node.inputs
    if w.const is None:
        raise UnsupportedCase("a dilated transposed convolution with computed weights")
    kernel = [d * (k - 1) + 1 for k, d in zip(w.const.shape[2:], node.op.dilation)]
    wide = np.zeros((*w.const.shape[:2], *kernel), w.const.dtype)
    places = (slice(None), slice(None), *(slice(None, None, d) for d in node.op.dilation))
    wide[places] = w.const
    weights = b.constant(wide, w.name)
    weights.quant = w.quant
    ones = (1,) * len(kernel)
    return b.emit(replace(node.op, dilation=ones), x, weights, *bias)


def _number(n: Dim, what: str) -> int:
    if not isinstance(n, int):
        raise UnsupportedCase(f"{what} is known at run time only")
    return n

"""Pooling over two spatial axes, channels last; one axis is two, three go in two steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mgeconvert.backends.tflite.dialect import Pairs, TflAvgPool, TflMaxPool
from mgeconvert.backends.tflite.legalize.images import first, is_same, last, padded
from mgeconvert.backends.tflite.legalize.table import LEGAL, Rewriter
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import DType, Node, Value, ops
from mgeconvert.ir.dims import Dim

BY_SLICES = (DType.I32, DType.I64, DType.U32)
"""Element types that no kernel pools and that float32 does not hold."""


@LEGAL(ops.MaxPool)
def max_pool(b: Rewriter, node: Node[ops.MaxPool]) -> Value:
    (x,) = node.inputs
    op = node.op
    if x.type.dtype in BY_SLICES and x.quant is None:
        return _greatest_of_slices(b, node)
    if x.type.rank != 4:
        return _other_rank(b, node)
    image = last(b, x)
    image.quant = x.quant
    pads, same = _padding(node)
    if not same:
        image = padded(b, image, pads, value=lowest(x))
    return first(b, b.emit(TflMaxPool(kernel=op.kernel, stride=op.stride, same=same), image))


@LEGAL(ops.AvgPool)
def avg_pool(b: Rewriter, node: Node[ops.AvgPool]) -> Value:
    (x,) = node.inputs
    op = node.op
    if x.type.rank != 4:
        return _other_rank(b, node)
    image = last(b, x)
    image.quant = x.quant
    pads, same = _padding(node)
    none = not any(any(p) for p in pads)
    if none or (same and not op.count_padding):
        y = b.emit(TflAvgPool(kernel=op.kernel, stride=op.stride, same=same and not none), image)
        return first(b, y)
    y = b.emit(TflAvgPool(kernel=op.kernel, stride=op.stride), padded(b, image, pads))
    if op.count_padding and pads == op.padding:
        return first(b, y)
    sizes = (*x.type.shape[2:], *node.output.type.shape[2:])
    if any(not isinstance(n, int) for n in sizes):
        return first(b, b.emit(ops.Div(), y, _shares(b, node, pads)))
    return first(b, b.emit(ops.Mul(), y, _factors(b, node, pads)))


def lowest(x: Value) -> float:
    """Return the least number that x can have, which never wins a maximum."""
    if x.quant is not None:
        return x.quant.scale[0] * (x.quant.qmin - x.quant.zero_point[0])
    dtype = x.type.dtype
    return -float("inf") if dtype.is_float else int(np.iinfo(dtype.numpy).min)


def _padding(node: Node[Any]) -> tuple[Pairs, bool]:
    """Return the padding with what gives all windows their full size, and whether it is SAME."""
    (x,) = node.inputs
    op = node.op
    pads = op.padding
    if op.ceil_mode:
        sizes = zip(x.type.shape[2:], node.output.type.shape[2:])
        pads = tuple(_ceil_padding(op, i, *pair) for i, pair in enumerate(sizes))
    ones = (1,) * len(op.kernel)
    same = is_same(x.type.shape[2:], pads, kernel=op.kernel, stride=op.stride, dilation=ones)
    return pads, same and any(any(p) for p in pads)


def _ceil_padding(op: Any, axis: int, size: Dim, out: Dim) -> tuple[int, int]:
    """Return the padding of an axis with which all windows of the ceil mode are full.

    Where the size is open, stride - 1 more elements than the operator's own padding do for any.
    """
    kernel, stride, (before, after) = op.kernel[axis], op.stride[axis], op.padding[axis]
    if isinstance(size, int) and isinstance(out, int):
        return before, max((out - 1) * stride + kernel - size - before, 0)
    if after > kernel - stride:
        raise UnsupportedCase(
            "pooling in ceil mode whose last window may be in the padding, of an image whose size "
            "is known at run time only",
            hint="give the input a fixed shape",
        )
    return before, after + stride - 1


def _factors(b: Rewriter, node: Node[ops.AvgPool], pads: Pairs) -> Value:
    """Return window size / what counts of it, for each window."""
    (x,) = node.inputs
    op = node.op
    rows: list[Any] = []
    for n, out, k, s, (before, _) in zip(
        x.type.shape[2:], node.output.type.shape[2:], op.kernel, op.stride, pads
    ):
        assert isinstance(n, int)
        assert isinstance(out, int)
        starts = np.arange(out) * s - before
        rows.append(_inside(starts, n, k, op, len(rows)))
    counts = np.multiply.outer(rows[0], rows[1]).astype(np.float64)
    factors = (op.kernel[0] * op.kernel[1] / counts)[None, :, :, None]
    return b.constant(factors.astype(x.type.dtype.numpy), f"{b.name}.counts")


def _inside(starts: Any, size: int, kernel: int, op: ops.AvgPool, axis: int) -> Any:
    """Return how many elements of each window count along an axis."""
    low, high = 0, size
    if op.count_padding:
        low, high = -op.padding[axis][0], size + op.padding[axis][1]
    return np.minimum(starts + kernel, high) - np.maximum(starts, low)


def _shares(b: Rewriter, node: Node[ops.AvgPool], pads: Pairs) -> Value:
    """Return the part of each window that counts, pooled from ones at run time."""
    (x,) = node.inputs
    op = node.op
    ones = b.full([1, *x.type.shape[2:], 1], 1, x.type.dtype)
    rest = pads
    if op.count_padding:
        ones = padded(b, ones, op.padding, value=1.0)
        rest = tuple((0, after - own) for (_, after), (_, own) in zip(pads, op.padding))
    return b.emit(TflAvgPool(kernel=op.kernel, stride=op.stride), padded(b, ones, rest))


def _other_rank(b: Rewriter, node: Node[Any]) -> Value:
    (x,) = node.inputs
    op = node.op
    if x.type.rank == 5:
        return _three_axes(b, node)
    image = b.unsqueeze(x, [2])
    image.quant = x.quant
    wide = replace(
        op, kernel=(1, *op.kernel), stride=(1, *op.stride), padding=((0, 0), *op.padding)
    )
    y = b.emit(wide, image)
    y.quant = node.output.quant
    return b.squeeze(y, [2])


def _three_axes(b: Rewriter, node: Node[Any]) -> Value:
    """Height and width first, then depth; what counts of a window is a product of both."""
    (x,) = node.inputs
    op = node.op
    n, c, depth, *sizes = x.type.shape
    _, _, deep, *pooled = node.output.type.shape
    flat = replace(op, kernel=op.kernel[1:], stride=op.stride[1:], padding=op.padding[1:])
    slices = b.reshape(x, [n, c * depth, *sizes])
    slices.quant = x.quant
    y = b.emit(flat, slices)
    y.quant = node.output.quant
    y = b.reshape(y, [n, c, depth, pooled[0] * pooled[1]])
    y.quant = node.output.quant
    along = replace(
        op,
        kernel=(op.kernel[0], 1),
        stride=(op.stride[0], 1),
        padding=(op.padding[0], (0, 0)),
    )
    y = b.emit(along, y)
    y.quant = node.output.quant
    return b.reshape(y, [n, c, deep, *pooled])


def _greatest_of_slices(b: Rewriter, node: Node[ops.MaxPool]) -> Value:
    """Take the maximum of shifted slices, one axis after the other."""
    (y,) = node.inputs
    op = node.op
    pads, _ = _padding(node)
    y = b.emit(ops.Pad(pads=((0, 0), (0, 0), *pads), value=lowest(y)), y)
    for axis, (kernel, stride) in enumerate(zip(op.kernel, op.stride), 2):
        out = node.output.type.shape[axis]
        parts = [_shifted(b, y, axis, start=i, size=out, step=stride) for i in range(kernel)]
        y = parts[0]
        for part in parts[1:]:
            y = b.emit(ops.Maximum(), y, part)
    return y


def _shifted(b: Rewriter, x: Value, axis: int, *, start: int, size: Dim, step: int) -> Value:
    rank = x.type.rank
    made = ops.Slice(
        starts=tuple(start if i == axis else 0 for i in range(rank)),
        sizes=tuple(size if i == axis else n for i, n in enumerate(x.type.shape)),
        steps=tuple(step if i == axis else 1 for i in range(rank)),
    )
    return b.emit(made, x)

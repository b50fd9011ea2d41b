"""Pooling over two spatial axes, channels last; one axis is two, three go in two steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mgeconvert.backends.tflite.dialect import Pairs, TflAvgPool, TflMaxPool
from mgeconvert.backends.tflite.legalize.images import first, is_same, last, padded
from mgeconvert.backends.tflite.legalize.table import LEGAL, Rewriter
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import Node, Value, ops


@LEGAL(ops.MaxPool)
def max_pool(b: Rewriter, node: Node[ops.MaxPool]) -> Value:
    (x,) = node.inputs
    op = node.op
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
    image = padded(b, image, pads)
    y = b.emit(TflAvgPool(kernel=op.kernel, stride=op.stride), image)
    parts = _counts(b, node, pads)
    return first(b, y if parts is None else b.emit(ops.Mul(), y, parts))


def lowest(x: Value) -> float:
    """Return the least number that x can have, which never wins a maximum."""
    if x.quant is not None:
        return x.quant.scale[0] * (x.quant.qmin - x.quant.zero_point[0])
    dtype = x.type.dtype
    return -float("inf") if dtype.is_float else float(np.iinfo(dtype.numpy).min)


def _padding(node: Node[Any]) -> tuple[Pairs, bool]:
    """Return the padding with what gives all windows their full size, and whether it is SAME."""
    (x,) = node.inputs
    op = node.op
    sizes = x.type.shape[2:]
    if not op.ceil_mode:
        ones = (1,) * len(op.kernel)
        same = is_same(sizes, op.padding, kernel=op.kernel, stride=op.stride, dilation=ones)
        return op.padding, same and any(any(p) for p in op.padding)
    pads = []
    for n, out, k, s, (before, _) in zip(
        sizes, node.output.type.shape[2:], op.kernel, op.stride, op.padding
    ):
        if not isinstance(n, int) or not isinstance(out, int):
            raise UnsupportedCase(
                "pooling in ceil mode of an image whose size is known at run time only",
                hint="give the input a fixed shape",
            )
        pads.append((before, max((out - 1) * s + k - n - before, 0)))
    full = tuple(pads)
    ones = (1,) * len(op.kernel)
    same = is_same(sizes, full, kernel=op.kernel, stride=op.stride, dilation=ones)
    return full, same and any(any(p) for p in full)


def _counts(b: Rewriter, node: Node[ops.AvgPool], pads: Pairs) -> Value | None:
    """Return window size / what counts of it, for each window, or None where all of it counts."""
    (x,) = node.inputs
    op = node.op
    if op.count_padding and pads == op.padding:
        return None
    rows: list[Any] = []
    for n, out, k, s, (before, _) in zip(
        x.type.shape[2:], node.output.type.shape[2:], op.kernel, op.stride, pads
    ):
        if not isinstance(n, int) or not isinstance(out, int):
            raise UnsupportedCase(
                "average pooling that leaves padding out, of an image whose size is known at run "
                "time only",
                hint="give the input a fixed shape",
            )
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


def _other_rank(b: Rewriter, node: Node[Any]) -> Value:
    (x,) = node.inputs
    if x.type.rank == 3:
        return _one_axis(b, node)
    raise UnsupportedCase(
        f"{type(node.op).__name__} over {x.type.rank - 2} spatial axes: TFLite pools two"
    )


def _one_axis(b: Rewriter, node: Node[Any]) -> Value:
    (x,) = node.inputs
    op = node.op
    image = b.unsqueeze(x, [2])
    image.quant = x.quant
    wide = replace(
        op, kernel=(1, *op.kernel), stride=(1, *op.stride), padding=((0, 0), *op.padding)
    )
    y = b.emit(wide, image)
    y.quant = node.output.quant
    return b.squeeze(y, [2])

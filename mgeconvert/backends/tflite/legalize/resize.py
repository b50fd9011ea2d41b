"""Resampling, and blocks of pixels as channels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mgeconvert.backends.tflite.dialect import TflDepthToSpace, TflResize
from mgeconvert.backends.tflite.legalize.images import first, last
from mgeconvert.backends.tflite.legalize.resample import resampled
from mgeconvert.backends.tflite.legalize.table import LEGAL, Rewriter
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import Array, DType, Node, Value, ops
from mgeconvert.ir.dims import Dim, divide

POWERS = tuple(1 << i for i in range(16))


@LEGAL(ops.Resize)
def resize(b: Rewriter, node: Node[ops.Resize]) -> Value:
    """By a builtin where it computes the same, else axis by axis: Gather or a matrix of weights.

    The IR interpolates whole numbers and float16 in float32.
    """
    (x,) = node.inputs
    op, dtype = node.op, x.type.dtype
    if dtype is not DType.F32 and x.quant is None:
        if op.mode == "nearest":
            return by_axes(b, node)
        return b.cast(b.emit(op, b.cast(x, DType.F32)), dtype)
    if x.type.rank == 4 and _is_builtin(op, x.type.shape[2:]):
        image = last(b, x)
        image.quant = x.quant
        made = TflResize(size=op.size, mode=op.mode, coordinates=op.coordinates)
        return first(b, b.emit(made, image))
    return by_axes(b, node)


def _is_builtin(op: ops.Resize, sizes: tuple[Dim, ...]) -> bool:
    if op.mode == "cubic" or (op.scale is not None and not _is_plain(op, sizes)):
        return False
    if op.mode == "linear":
        return True
    return all(_nearest_agrees(op, n, out) for n, out in zip(sizes, op.size))


def _is_plain(op: ops.Resize, sizes: tuple[Dim, ...]) -> bool:
    """Return whether the scale says no more than the sizes do."""
    if op.coordinates == "align_corners":
        return True
    assert op.scale is not None
    return all(
        out == n * s if isinstance(n, int) else s == int(s) and divide(out, n) == s
        for n, out, s in zip(sizes, op.size, op.scale)
    )


def _nearest_agrees(op: ops.Resize, size: Dim, out: Dim) -> bool:
    """Return whether TFLite's kernel reads the same pixels; its rounding differs from ours."""
    if isinstance(size, int) and isinstance(out, int):
        made = TflResize(size=op.size, mode="nearest", coordinates=op.coordinates)
        return np.array_equal(_indices(op, size, out, None), made._nearest(size, out))
    factor = divide(out, size)
    return op.coordinates != "align_corners" and factor in POWERS


def _indices(op: ops.Resize, size: int, out: int, scale: float | None) -> Array:
    """Return which pixel of an axis each pixel of the result is."""
    place = op._places(size, out, scale)
    index = np.ceil(place - 0.5) if op.coordinates == "half_pixel" else np.floor(place)
    return np.clip(index, 0, size - 1).astype(np.int64)


def by_axes(b: Rewriter, node: Node[ops.Resize]) -> Value:
    """Resample one axis after the other by indices or weights, constant where sizes are."""
    (y,) = node.inputs
    op = node.op
    for i, (n, out) in enumerate(zip(node.inputs[0].type.shape[2:], op.size)):
        scale = None if op.scale is None else op.scale[i]
        if n == out and scale in (None, 1.0):
            continue
        if not isinstance(n, int) or not isinstance(out, int):
            y = resampled(b, replace(op, scale=None if scale is None else (scale,)), y, i + 2, out)
        elif op.mode == "nearest":
            index = b.constant(_indices(op, n, out, scale).astype(np.int32), f"{b.name}.index")
            y = b.emit(ops.Gather(axis=i + 2), y, index)
        else:
            y = _weighted(b, y, axis=i + 2, weights=_weights(op, n, out, scale))
    return y if y is not node.inputs[0] else b.emit(ops.Identity(), y)


def _weights(op: ops.Resize, size: int, out: int, scale: float | None) -> Array:
    """Return the matrix (out, size) that resamples an axis, in float64."""
    place = op._places(size, out, scale)
    base = np.floor(place)
    matrix = np.zeros((out, size))
    lowest = 0 if op.mode == "linear" else -1
    rows = np.arange(out)
    for i, weight in enumerate(op._weights(place - base)):
        index = np.clip(base + lowest + i, 0, size - 1).astype(np.int64)
        np.add.at(matrix, (rows, index), weight)
    return matrix


def _weighted(b: Rewriter, x: Value, *, axis: int, weights: Array) -> Value:
    """Multiply an axis by a matrix: it becomes the last one for that."""
    rank = x.type.rank
    matrix = b.constant(weights.astype(x.type.dtype.numpy), f"{b.name}.weights")
    perm = [*(i for i in range(rank) if i != axis), axis]
    y = b.emit(ops.Linear(), b.transpose(x, perm), matrix)
    return b.transpose(y, [perm.index(i) for i in range(rank)])


@LEGAL(ops.DepthToSpace)
def depth_to_space(b: Rewriter, node: Node[ops.DepthToSpace]) -> Value:
    """TFLite's channels are (size, size, C), the IR's (C, size, size)."""
    (x,) = node.inputs
    size, channels = node.op.size, x.type.shape[1]
    if not isinstance(channels, int):
        raise UnsupportedCase("the number of channels is known at run time only")
    order = np.arange(channels, dtype=np.int32).reshape(-1, size * size).T.reshape(-1)
    image = last(b, x)
    image.quant = x.quant
    if channels > size * size:
        image = b.emit(ops.Gather(axis=3), image, b.constant(order, f"{b.name}.order"))
        image.quant = x.quant
    return first(b, b.emit(TflDepthToSpace(size=size), image))

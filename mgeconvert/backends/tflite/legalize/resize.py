"""Resampling, and blocks of pixels as channels."""

from __future__ import annotations

import numpy as np

from mgeconvert.backends.tflite.dialect import TflDepthToSpace, TflResize
from mgeconvert.backends.tflite.legalize.images import first, last
from mgeconvert.backends.tflite.legalize.table import LEGAL, Rewriter
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import Array, Node, Value, ops
from mgeconvert.ir.dims import Dim


@LEGAL(ops.Resize)
def resize(b: Rewriter, node: Node[ops.Resize]) -> Value:
    """By a builtin where it computes the same, else axis by axis: Gather or a matrix of weights."""
    (x,) = node.inputs
    op = node.op
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
    return _nearest_agrees(op, sizes)


def _is_plain(op: ops.Resize, sizes: tuple[Dim, ...]) -> bool:
    """Return whether the scale says no more than the sizes do."""
    if op.coordinates == "align_corners":
        return True
    assert op.scale is not None
    return all(
        isinstance(n, int) and isinstance(out, int) and out == n * s
        for n, out, s in zip(sizes, op.size, op.scale)
    )


def _nearest_agrees(op: ops.Resize, sizes: tuple[Dim, ...]) -> bool:
    """Return whether TFLite's kernel reads the same pixels; its rounding differs from ours."""
    if any(not isinstance(n, int) for n in (*sizes, *op.size)):
        return op.coordinates == "asymmetric"
    return all(
        np.array_equal(_indices(op, n, out, None), _kernel_indices(op, n, out))  # type: ignore[arg-type]
        for n, out in zip(sizes, op.size)
    )


def _kernel_indices(op: ops.Resize, size: int, out: int) -> Array:
    made = TflResize(size=op.size, mode="nearest", coordinates=op.coordinates)
    return made._nearest(size, out)


def _indices(op: ops.Resize, size: int, out: int, scale: float | None) -> Array:
    """Return which pixel of an axis each pixel of the result is."""
    place = op._places(size, out, scale)
    index = np.ceil(place - 0.5) if op.coordinates == "half_pixel" else np.floor(place)
    return np.clip(index, 0, size - 1).astype(np.int64)


def by_axes(b: Rewriter, node: Node[ops.Resize]) -> Value:
    """Resample one axis after the other by constant indices or weights."""
    (y,) = node.inputs
    op = node.op
    for i, (n, out) in enumerate(zip(node.inputs[0].type.shape[2:], op.size)):
        if not isinstance(n, int) or not isinstance(out, int):
            raise UnsupportedCase(
                f"resizing by {op.mode} with {op.coordinates} of a size known at run time only",
                hint="give the input a fixed shape",
            )
        scale = None if op.scale is None else op.scale[i]
        if op.mode == "nearest":
            index = b.constant(_indices(op, n, out, scale).astype(np.int32), f"{b.name}.index")
            y = b.emit(ops.Gather(axis=i + 2), y, index)
        else:
            y = _weighted(b, op, y, axis=i + 2, weights=_weights(op, n, out, scale))
    return y


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


def _weighted(b: Rewriter, op: ops.Resize, x: Value, *, axis: int, weights: Array) -> Value:
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

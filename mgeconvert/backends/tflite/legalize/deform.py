"""Deformable convolution: what the kernel reads is gathered, the rest is a product of matrices."""

from __future__ import annotations

import numpy as np

from mgeconvert.backends.tflite.legalize.sampling import Places, channels_first, interpolated
from mgeconvert.backends.tflite.legalize.table import LEGAL, Rewriter
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import DType, Node, Value, ops
from mgeconvert.ir.dims import Dim

I32, F32 = DType.I32, DType.F32


@LEGAL(ops.DeformConv)
def deform_conv(b: Rewriter, node: Node[ops.DeformConv]) -> Value:
    """Read (N, D, KH KW, OH, OW) places of C / D channels each, and multiply by the weights."""
    x, w, offset, mask, *bias = (b.cast(v, F32) for v in node.inputs)
    n, _, height, width = node.output.type.shape
    filters, share, *kernel = (_number(d) for d in w.type.shape)
    channels, places = _number(x.type.shape[1]), kernel[0] * kernel[1]
    parts = _number(offset.type.shape[1]) // (2 * places)
    at = _places(b, node.op, offset, kernel, [n, parts, places, height, width])
    split = b.reshape(x, [n * parts, channels // parts, *x.type.shape[2:]])
    read = interpolated(b, split, at)
    weight = b.reshape(mask, [n, parts, places, height, width, 1])
    read = b.transpose(b.emit(ops.Mul(), read, weight), (0, 3, 4, 1, 5, 2))
    rows = b.reshape(read, [n * height * width, node.op.groups, share * places])
    y = _multiplied(b, rows, b.reshape(w, [filters, share * places]), node.op.groups)
    y = b.emit(ops.Add(), y, bias[0]) if bias else y
    image = b.reshape(y, [n, height, width, filters])
    return b.cast(channels_first(b, image), node.output.type.dtype)


def _multiplied(b: Rewriter, rows: Value, w: Value, groups: int) -> Value:
    """Return (M, O) of rows (M, G, I) and weights (O, I), each group with its own filters."""
    count, _, size = rows.type.shape
    filters = _number(w.type.shape[0])
    if groups == 1:
        return b.emit(ops.Linear(), b.reshape(rows, [count, size]), w)
    each = b.transpose(b.reshape(w, [groups, filters // groups, size]), (0, 2, 1))
    y = b.emit(ops.MatMul(), b.transpose(rows, (1, 0, 2)), each)
    return b.reshape(b.transpose(y, (1, 0, 2)), [count, filters])


def _places(
    b: Rewriter, op: ops.DeformConv, offset: Value, kernel: list[int], shape: list[Dim]
) -> Places:
    """Return the places of shape (N, D, KH KW, OH, OW)."""
    n, parts, places, height, width = shape
    pairs = b.reshape(offset, [n, parts, places, 2, height, width])
    moved = []
    for axis, out in enumerate((height, width)):
        own = b.squeeze(b.slice(pairs, [None, None, None, (axis, axis + 1, 1), None, None]), [3])
        moved.append(b.emit(ops.Add(), own, _grid(b, op, axis, out=out, kernel=kernel)))
    image = b.reshape(b.emit(ops.Range(count=n * parts)), [n, parts, 1, 1, 1])
    return Places(image, *moved)


def _grid(b: Rewriter, op: ops.DeformConv, axis: int, *, out: Dim, kernel: list[int]) -> Value:
    """Return where each place of the kernel is without an offset, (KH KW, OH, 1) or (.., 1, OW)."""
    steps = np.indices(kernel)[axis].reshape(-1, 1, 1) * op.dilation[axis] - op.padding[axis][0]
    starts = b.emit(ops.Mul(), b.emit(ops.Range(count=out)), b.scalar(op.stride[axis], I32))
    aligned = b.reshape(b.cast(starts, F32), [out, 1] if axis == 0 else [1, out])
    return b.emit(ops.Add(), aligned, b.constant(steps.astype(np.float32), f"{b.name}.kernel"))


def _number(n: Dim) -> int:
    if not isinstance(n, int):
        raise UnsupportedCase("DeformConv whose channels or kernel are known at run time only")
    return n

"""Moving, selecting and repeating elements within what TFLite's kernels take."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgeconvert.backends.tflite.legalize.table import LEGAL, Rewriter
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import DType, Node, Value, ops

INDEX_TYPES = (DType.I32, DType.I64)


@LEGAL(ops.Identity)
def identity(b: Rewriter, node: Node[ops.Identity]) -> Value | None:
    """What cleaning left is a public name for an input or a constant: the writer copies it."""
    (x,) = node.inputs
    return b.emit(ops.Reshape(shape=x.type.shape), x)


@LEGAL(ops.Pad)
def pad(b: Rewriter, node: Node[ops.Pad]) -> Value | None:
    """Repeating the border is reading its pixels again; reflecting has limits in TFLite."""
    (x,) = node.inputs
    op = node.op
    if op.mode == "constant" or op.mode == "reflect":
        return None
    y = x
    for axis, (before, after) in enumerate(op.pads):
        if not before and not after:
            continue
        n = x.type.shape[axis]
        if not isinstance(n, int):
            raise UnsupportedCase("repeating the border of a size known at run time only")
        index = np.clip(np.arange(-before, n + after), 0, n - 1).astype(np.int32)
        y = b.emit(ops.Gather(axis=axis), y, b.constant(index, f"{b.name}.index"))
        y.quant = node.output.quant
    return y


@LEGAL(ops.Gather)
def gather(b: Rewriter, node: Node[ops.Gather]) -> Value | None:
    """Negative indices count from the end; TFLite refuses them."""
    x, indices = node.inputs
    counted = _counted(b, indices, x.type.shape[node.op.axis])
    return None if counted is indices else b.emit(node.op, x, counted)


def _counted(b: Rewriter, indices: Value, size: Any) -> Value:
    """Return the indices with negative ones counted from the front, as int32 or int64."""
    if indices.const is not None:
        if not isinstance(size, int):
            if (indices.const < 0).any():
                raise UnsupportedCase("a negative index into an axis known at run time only")
            size = 0
        if indices.type.dtype in INDEX_TYPES and not (indices.const < 0).any():
            return indices
        array = indices.const.astype(np.int64)
        return b.constant(np.where(array < 0, array + size, array).astype(np.int32), indices.name)
    if indices.producer is not None and indices.producer.via == ("counted",):
        return indices
    wide = indices if indices.type.dtype in INDEX_TYPES else b.cast(indices, DType.I32)
    zero = b.scalar(0, wide.type.dtype)
    if not isinstance(size, int):
        count = b.dims([size], dtype=wide.type.dtype, scalar=True)
    else:
        count = b.scalar(size, wide.type.dtype)
    negative = b.emit(ops.Less(), wide, zero)
    y = b.emit(ops.Where(), negative, b.emit(ops.Add(), wide, count), wide)
    assert y.producer is not None
    y.producer.via = ("counted",)
    return y

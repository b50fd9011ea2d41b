"""Moving, selecting and repeating elements within what TFLite's kernels take."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mgeconvert.backends.tflite.legalize.table import LEGAL, Rewriter
from mgeconvert.ir import DType, Node, Value, ops
from mgeconvert.ir.dims import Dim, product

PAD_RANK = 5
"""The most axes of PAD and PADV2."""


@LEGAL(ops.Identity)
def identity(b: Rewriter, node: Node[ops.Identity]) -> Value | None:
    """What cleaning left is a public name for an input or a constant: the writer copies it."""
    (x,) = node.inputs
    return b.emit(ops.Reshape(shape=x.type.shape), x)


@LEGAL(ops.Pad)
def pad(b: Rewriter, node: Node[ops.Pad]) -> Value | None:
    """Repeating the border is reading its pixels again; zeros around many axes go in steps."""
    (x,) = node.inputs
    op = node.op
    if op.mode == "constant" and x.type.rank > PAD_RANK:
        return _padded_in_steps(b, node)
    if op.mode != "edge":
        return None
    y = x
    for axis, (before, after) in enumerate(op.pads):
        if before or after:
            index = _border(b, x.type.shape[axis], before, after)
            y = b.emit(ops.Gather(axis=axis), y, index)
            y.quant = node.output.quant
    return y if y is not x else b.emit(ops.Identity(), x)


def _border(b: Rewriter, size: Dim, before: int, after: int) -> Value:
    """Return which element of an axis each element of the padded one is."""
    if isinstance(size, int):
        index = np.clip(np.arange(-before, size + after), 0, size - 1).astype(np.int32)
        return b.constant(index, f"{b.name}.index")
    shifted = b.emit(ops.Range(count=size + before + after))
    shifted = b.emit(ops.Sub(), shifted, b.scalar(before, DType.I32))
    low = b.emit(ops.Maximum(), shifted, b.scalar(0, DType.I32))
    index_ = b.emit(ops.Minimum(), low, b.dims([size - 1], scalar=True))
    b.session.counted.add(index_)
    return index_


def _padded_in_steps(b: Rewriter, node: Node[ops.Pad]) -> Value:
    """Pad an axis at a time, with the axes before it and behind it as one each."""
    (y,) = node.inputs
    op = node.op
    for axis, pair in enumerate(op.pads):
        if not any(pair):
            continue
        before, size, after = y.type.shape[:axis], y.type.shape[axis], y.type.shape[axis + 1 :]
        flat = b.reshape(y, [product(before), size, product(after)])
        flat.quant = y.quant
        wide = b.emit(replace(op, pads=((0, 0), pair, (0, 0))), flat)
        wide.quant = y.quant
        y = b.reshape(wide, [*before, size + sum(pair), *after])
        y.quant = node.output.quant
    return y if y is not node.inputs[0] else b.emit(ops.Identity(), y)

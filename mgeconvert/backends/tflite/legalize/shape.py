"""Moving, selecting and repeating elements within what TFLite's kernels take."""

from __future__ import annotations

import numpy as np

from mgeconvert.backends.tflite.legalize.table import LEGAL, Rewriter
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import Node, Value, ops


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

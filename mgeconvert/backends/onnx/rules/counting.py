"""Rows of numbers whose length may be known at run time only."""

from __future__ import annotations

import numpy as np
from onnx import numpy_helper

from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.backends.onnx.rules import versioned
from mgeconvert.backends.onnx.rules.dims import vector
from mgeconvert.backends.onnx.rules.table import RULES
from mgeconvert.backends.onnx.rules.typed import cast
from mgeconvert.ir import DType, Node, ops


@RULES(ops.Range, since=11)
def count_up(e: Emitter, node: Node[ops.Range]) -> str:
    end = versioned.squeeze(e, vector(e, [node.op.count]), [0])
    row = e.emit("Range", e.scalar(0, DType.I64), end, e.scalar(1, DType.I64))
    return cast(e, row, DType.I32)


@RULES(ops.Range, since=7, limits="opset 9 where the count is known at run time only")
def count_ones(e: Emitter, node: Node[ops.Range]) -> str:
    """Where a row of ones is not zero."""
    if isinstance(node.op.count, int):
        return e.emit("Identity", e.constant(np.arange(node.op.count, dtype=np.int32), "range"))
    if e.opset < 9:
        raise e.refuse("a range of a size that depends on the input", 9)
    one = numpy_helper.from_array(np.ones(1, np.int64), "one")
    ones = e.emit("ConstantOfShape", vector(e, [node.op.count]), value=one)
    return cast(e, versioned.squeeze(e, e.emit("NonZero", ones), [0]), DType.I32)

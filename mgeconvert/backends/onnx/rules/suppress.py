"""Operators whose results have a size that depends on data."""

from __future__ import annotations

import numpy as np

from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.backends.onnx.rules import versioned
from mgeconvert.backends.onnx.rules.table import RULES
from mgeconvert.backends.onnx.rules.typed import cast_from
from mgeconvert.ir import DType, Node, ops

ALL = 2**31 - 1


@RULES(ops.NonMaxSuppression, since=10)
def non_max_suppression(e: Emitter, node: Node[ops.NonMaxSuppression]) -> str:
    """One image and one class; each row of the result is image, class and box."""
    dtype, op = node.inputs[0].type.dtype, node.op
    boxes, scores = (cast_from(e, name, old=dtype, new=DType.F32) for name in e.inputs(node))
    rows = e.emit(
        "NonMaxSuppression",
        versioned.unsqueeze(e, boxes, [0]),
        versioned.unsqueeze(e, scores, [0, 1]),
        e.ints([ALL if op.limit is None else op.limit], "limit"),
        e.constant(np.array([op.threshold], np.float32), "threshold"),
    )
    return e.emit("Gather", rows, e.constant(np.array(2, np.int64), "column"), axis=1)


@RULES(ops.NonZero, since=9)
def non_zero(e: Emitter, node: Node[ops.NonZero]) -> str:
    """The result has a row for each axis of the mask, which is a vector."""
    return versioned.squeeze(e, e.emit("NonZero", *e.inputs(node)), [0])

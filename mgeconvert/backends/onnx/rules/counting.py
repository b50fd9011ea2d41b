"""Rows of numbers whose length may be known at run time only."""

from __future__ import annotations

import numpy as np
from onnx import numpy_helper

from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.backends.onnx.rules import versioned
from mgeconvert.backends.onnx.rules.dims import vector
from mgeconvert.backends.onnx.rules.table import RULES
from mgeconvert.backends.onnx.rules.typed import cast
from mgeconvert.ir import Dim, DType, Node, ops


def row(e: Emitter, count: Dim) -> str:
    """Return the name of the int64 vector 0, 1 ... count - 1."""
    if isinstance(count, int):
        return e.constant(np.arange(count, dtype=np.int64), "range")
    return e.shared(("row", count), lambda: _count(e, count))


def number(e: Emitter, dim: Dim) -> str:
    """Return the name of `dim` as an int64 that broadcasts to any rank but 0."""
    return e.scalar(dim, DType.I64) if isinstance(dim, int) else vector(e, [dim])


def _count(e: Emitter, count: Dim) -> str:
    size = vector(e, [count])
    if e.opset >= 11:
        end = versioned.squeeze(e, size, [0])
        return e.emit("Range", e.scalar(0, DType.I64), end, e.scalar(1, DType.I64))
    if e.opset >= 9:  # where a row of ones is not zero
        one = numpy_helper.from_array(np.ones(1, np.int64), "one")
        ones = e.emit("ConstantOfShape", size, value=one)
        return versioned.squeeze(e, e.emit("NonZero", ones), [0])
    return _count_by_adding(e, size)


def _count_by_adding(e: Emitter, size: str) -> str:
    """Sum ones by a recurrent layer of one cell, h' = x + h: exact below 2**24."""
    ones = e.emit("Tile", e.constant(np.ones(1, np.float32), "one"), size)
    weight = e.constant(np.ones((1, 1, 1), np.float32), "one")
    sums, _ = e.emit_multi(
        "RNN",
        versioned.unsqueeze(e, ones, [1, 2]),
        weight,
        weight,
        count=2,
        hidden_size=1,
        activations=["Affine"],
        activation_alpha=[1.0],
        activation_beta=[0.0],
    )
    from_one = cast(e, versioned.reshape(e, sums, [-1]), DType.I64)
    return e.emit("Sub", from_one, e.scalar(1, DType.I64))


@RULES(ops.Range, since=7)
def range_(e: Emitter, node: Node[ops.Range]) -> str:
    return cast(e, row(e, node.op.count), DType.I32)

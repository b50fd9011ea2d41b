"""Reading and writing by index."""

from __future__ import annotations

import numpy as np

from mgeconvert.errors import ShapeError, UnsupportedCase
from mgeconvert.frontends.onnx.call import Call
from mgeconvert.frontends.onnx.rules.table import RULES
from mgeconvert.ir import DType, Value, ops
from mgeconvert.ir.dims import symbol


@RULES("Gather", since=1)
def gather(c: Call, x: Value, indices: Value) -> Value:
    return c.emit(ops.Gather(axis=c.axis(c.attribute("axis"), x.type.rank)), x, indices)


@RULES("GatherElements", since=11)
def gather_elements(c: Call, x: Value, indices: Value) -> Value:
    axis = c.axis(c.attribute("axis"), x.type.rank)
    return c.emit(ops.GatherElements(axis=axis), x, indices)


@RULES("GatherND", since=11)
def gather_nd(c: Call, x: Value, indices: Value) -> Value:
    batch = int(c.attribute("batch_dims", 0))
    if not 0 <= batch < min(x.type.rank, indices.type.rank):
        raise ShapeError(f"batch_dims {batch} of {x.type} and {indices.type}")
    return c.emit(ops.GatherNd(batch_dims=batch), x, indices)


@RULES("ScatterElements", since=11, limits="reductions none and add")
@RULES("Scatter", since=9)
def scatter_elements(c: Call, x: Value, indices: Value, updates: Value) -> Value:
    axis = c.axis(c.attribute("axis"), x.type.rank)
    how = c.need("reduction", "none", "add") or "none"
    return c.emit(ops.ScatterElements(axis=axis, reduction=how), x, indices, updates)


@RULES("ScatterND", since=11, limits="reductions none and add")
def scatter_nd(c: Call, x: Value, indices: Value, updates: Value) -> Value:
    how = c.need("reduction", "none", "add") or "none"
    return c.emit(ops.ScatterNd(reduction=how), x, indices, updates)


@RULES("OneHot", since=9, limits="the depth and the two values are constants")
def one_hot(c: Call, indices: Value, depth: Value, values: Value) -> Value:
    """Indices from -depth on count from the end; those beyond are nowhere hot."""
    count = int(c.number(depth, "the depth"))
    if values.const is None or values.const.shape != (2,) or count < 1:
        raise UnsupportedCase(f"a depth of {count} and values {values.type}")
    places = c.cast(indices, DType.I64)
    turned = c.emit(ops.Add(), places, c.scalar(count, DType.I64))
    negative = c.emit(ops.Less(), places, c.scalar(0, DType.I64))
    places = c.emit(ops.Where(), negative, turned, places)
    off, on = values.const.tolist()
    dtype = values.type.dtype
    if (off, on) == (0, 1):
        hot = c.emit(ops.OneHot(depth=count, dtype=dtype), places)
    else:
        hot = c.emit(ops.OneHot(depth=count, dtype=DType.I32), places)
        hot = c.emit(
            ops.Where(), c.cast(hot, DType.BOOL), c.scalar(on, dtype), c.scalar(off, dtype)
        )
    return _moved(c, hot, c.axis(c.attribute("axis"), hot.type.rank))


def _moved(c: Call, x: Value, axis: int) -> Value:
    """Move the last axis to the place `axis`."""
    last = x.type.rank - 1
    if axis == last:
        return x
    return c.transpose(x, [*range(axis), last, *range(axis, last)])


@RULES("Compress", since=9, limits="the condition is a constant")
def compress(c: Call, x: Value, condition: Value) -> Value:
    if condition.const is None or condition.type.rank != 1:
        raise UnsupportedCase("a condition that is known only at run time")
    places = c.constant(np.flatnonzero(condition.const).astype(np.int64))
    axis = c.attribute("axis")
    if axis is None:
        return c.emit(ops.Gather(axis=0), c.reshape(x, (-1,)), places)
    return c.emit(ops.Gather(axis=c.axis(axis, x.type.rank)), x, places)


@RULES("NonZero", since=9, limits="of a vector")
def non_zero(c: Call, x: Value) -> Value:
    """A row of ones has all its places: a way to count to a size below opset 11."""
    made = x.producer
    if x.const is not None:
        return c.constant(np.array(np.nonzero(x.const), np.int64), c.name)
    filled = made is not None and isinstance(made.op, ops.Expand) and made.inputs[0].const
    if x.type.rank != 1:
        raise UnsupportedCase(f"the places in {x.type}, which has not one axis")
    if filled is None or filled is False or not np.all(filled):
        op = ops.NonZero(count=symbol(c.graph.unique("count")))
        return c.unsqueeze(c.emit(op, c.cast(x, DType.BOOL)), [0])
    row = c.cast(c.emit(ops.Range(count=x.type.shape[0])), DType.I64)
    return c.unsqueeze(row, [0])

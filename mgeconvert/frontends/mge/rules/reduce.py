"""Reductions, order and accumulation."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.call import Call
from mgeconvert.frontends.mge.rules.table import RULES
from mgeconvert.ir import DType, Value, ops
from mgeconvert.ir.dims import Shape
from mgeconvert.ir.masks import true_places

REDUCTIONS: dict[str, Any] = {
    "SUM": ops.ReduceSum,
    "SUM_SQR": ops.ReduceSum,
    "PRODUCT": ops.ReduceProd,
    "MIN_": ops.ReduceMin,
    "MAX_": ops.ReduceMax,
    "MEAN": ops.ReduceMean,
}
TO_SHAPE = 2**31 - 1  # in the place of an axis: reduce to the shape that is the second input
WIDE = {"FLOAT_IO16xC32": True, "FLOAT_O16xC32": True, "FLOAT_O32xC32": False}


@RULES("Reduce", limits="quantized accumulation")
def reduce(c: Call, x: Value, *target: Value) -> Value:
    name = c.need("mode", *REDUCTIONS)
    back = x.type.dtype
    kind = c.operator.params.get("data_type", "DEFAULT")
    if kind in WIDE:
        x, back = c.cast(x, DType.F32), DType.F16 if WIDE[kind] else DType.F32
    elif kind != "DEFAULT":
        raise UnsupportedCase(f"data_type {kind}")
    if x.type.dtype is DType.BOOL:
        x = c.cast(x, DType.I32)
    if name == "SUM_SQR":
        x = c.emit(ops.Mul(), x, x)
    axis = int(c.setting("axis"))
    if target or axis == TO_SHAPE:
        y = _to_shape(c, REDUCTIONS[name], x, c.known_dims(target[0]))
    else:
        place = c.axis(axis, x.type.rank)
        y = c.emit(REDUCTIONS[name](reduced=(place,), keepdims=True), x)
    return c.cast(y, back)


def _to_shape(c: Call, kind: Any, x: Value, shape: Shape) -> Value:
    if shape == (1,):
        return c.emit(kind(reduced=(0,), keepdims=True), c.reshape(x, (-1,)))
    offset = x.type.rank - len(shape)
    if offset < 0:
        raise UnsupportedCase(f"a reduction of {x.type} to {len(shape)} axes")
    axes = [i + offset for i, d in enumerate(shape) if d == 1 and x.type.shape[i + offset] != 1]
    y = x
    if axes:
        y = c.emit(kind(reduced=tuple(axes), keepdims=True), y)
    if offset:
        y = c.emit(kind(reduced=tuple(range(offset)), keepdims=False), y)
    return y


@RULES("Argmax")
def argmax(c: Call, x: Value) -> Value:
    place = c.axis(int(c.setting("axis")), x.type.rank)
    return c.cast(c.emit(ops.ArgMax(axis=place, keepdims=True), x), DType.I32)


@RULES("Argmin")
def argmin(c: Call, x: Value) -> Value:
    place = c.axis(int(c.setting("axis")), x.type.rank)
    return c.cast(c.emit(ops.ArgMin(axis=place, keepdims=True), x), DType.I32)


@RULES("Argsort", limits="a last axis of fixed size")
def argsort(c: Call, x: Value) -> tuple[Value, Value]:
    size = x.type.shape[-1]
    if not isinstance(size, int):
        raise UnsupportedCase(f"the order of {size} elements", hint="give the input a fixed shape")
    descending = c.need("order", "ASCENDING", "DESCENDING") == "DESCENDING"
    op = ops.TopK(axis=x.type.rank - 1, k=size, largest=descending)
    values, indices = c.emit_multi(op, x)
    return values, c.cast(indices, DType.I32)


@RULES("TopK")
def top_k(c: Call, x: Value, count: Value) -> tuple[Value, ...]:
    """The greatest for a negative k, the least for a positive one, along the last axis."""
    name = c.need("mode", "KTH_ONLY", "VALUE_IDX_NOSORT", "VALUE_IDX_SORTED")
    (k,) = c.numbers(count)
    axis = x.type.rank - 1
    values, indices = c.emit_multi(ops.TopK(axis=axis, k=abs(k), largest=k < 0), x)
    if name != "KTH_ONLY":
        return values, c.cast(indices, DType.I32)
    last = c.slice(values, [*[None] * axis, (abs(k) - 1, abs(k), 1)])
    return (c.whole(c.squeeze(last, [axis])),)


@RULES("Cumsum")
def cumsum(c: Call, x: Value) -> Value:
    op = ops.CumSum(
        axis=c.axis(int(c.setting("axis")), x.type.rank),
        exclusive=bool(c.setting("exclusive")),
        reverse=bool(c.setting("reverse")),
    )
    return c.emit(op, x)


@RULES("Softmax")
def softmax(c: Call, x: Value) -> Value:
    return c.emit(ops.Softmax(axis=c.axis(int(c.setting("axis")), x.type.rank)), x)


@RULES("CondTake")
def cond_take(c: Call, x: Value, mask: Value) -> tuple[Value, Value]:
    """The elements of x where the mask is equal to a number, and their places."""
    c.need("mode", "EQ")
    if mask.const is None:
        computed = true_places(c, _chosen(c, mask))
        return c.emit(ops.Gather(axis=0), c.reshape(x, (-1,)), computed), computed
    chosen = np.abs(mask.const.astype(np.float32) - c.setting("val")) < c.setting("eps")
    places = c.constant(np.flatnonzero(chosen).astype(np.int32))
    return c.emit(ops.Gather(axis=0), c.reshape(x, (-1,)), places), places


def _chosen(c: Call, mask: Value) -> Value:
    """Return as bools where the mask is near the operator's number."""
    value = float(c.setting("val"))
    if mask.type.dtype is DType.BOOL and value == 1:
        return mask
    distance = c.emit(ops.Sub(), c.cast(mask, DType.F32), c.scalar(value, DType.F32))
    eps = c.scalar(float(c.setting("eps")), DType.F32)
    return c.emit(ops.Less(), c.emit(ops.Abs(), distance), eps)

"""Tensors that are made of nothing."""

from __future__ import annotations

import math

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.onnx.call import SMALL, Call
from mgeconvert.frontends.onnx.records import OnnxTensor
from mgeconvert.frontends.onnx.rules.table import RULES
from mgeconvert.frontends.onnx.tensors import element_type
from mgeconvert.ir import Dim, DType, Sym, Value, ops

NUMBERS = {
    "value_float": np.float32,
    "value_floats": np.float32,
    "value_int": np.int64,
    "value_ints": np.int64,
}


@RULES("Constant", since=1)
def constant(c: Call) -> Value:
    if isinstance(c.attribute("value"), OnnxTensor):
        return c.constant(c.tensor("value"), c.name)
    for name, dtype in NUMBERS.items():
        if c.has(name):
            return c.constant(np.array(c.attribute(name), dtype), c.name)
    raise UnsupportedCase("a constant that is no dense tensor of numbers")


@RULES("ConstantOfShape", since=9)
def constant_of_shape(c: Call, target: Value) -> Value:
    value = c.tensor("value") if c.has("value") else np.zeros(1, np.float32)
    if value.size != 1:
        raise UnsupportedCase(f"a value of {value.size} elements")
    shape = c.known_dims(target)
    if any(isinstance(d, int) and d < 0 for d in shape):
        raise UnsupportedCase(f"the shape ({', '.join(map(str, shape))})")
    return c.expand(c.constant(value.reshape(())), shape)


@RULES("Range", since=11, limits="of integers or constants")
def count_up(c: Call, start: Value, limit: Value, delta: Value) -> Value:
    ends = (start, limit, delta)
    if all(v.const is not None for v in ends):
        first, last, step = (c.number(v, "an end") for v in ends)
        return _known_range(c, first, last, delta=step, dtype=start.type.dtype)
    if start.type.dtype.is_float:
        raise UnsupportedCase("a range of floats whose ends are known only at run time")
    return _whole_range(c, start, limit, step=c.one_int(delta))


def _whole_range(c: Call, start: Value, limit: Value, *, step: int) -> Value:
    if step == 0:
        raise UnsupportedCase("a range with the step 0")
    first = c.size(start)
    count = (c.size(limit) - first + step - (1 if step > 0 else -1)) // step
    row = _row(c, count, start.type.dtype)
    if step != 1:
        row = c.emit(ops.Mul(), row, c.like(step, row))
    return row if first == 0 else c.emit(ops.Add(), row, c.cast(start, row.type.dtype))


def _row(c: Call, count: Dim, dtype: DType) -> Value:
    if isinstance(count, int) and count <= SMALL:
        return c.constant(np.arange(max(count, 0)).astype(dtype.numpy))
    return c.cast(c.emit(ops.Range(count=count)), dtype)


def _known_range(c: Call, start: float, limit: float, *, delta: float, dtype: DType) -> Value:
    if delta == 0 or not all(map(math.isfinite, (start, limit, delta))):
        raise UnsupportedCase(f"a range from {start} to {limit} by {delta}")
    count = max(math.ceil((limit - start) / delta), 0)
    if count <= SMALL:
        return c.constant((start + np.arange(count) * delta).astype(dtype.numpy), c.name)
    row = c.cast(c.emit(ops.Range(count=count)), dtype)
    row = row if delta == 1 else c.emit(ops.Mul(), row, c.like(delta, row))
    return row if start == 0 else c.emit(ops.Add(), row, c.like(start, row))


@RULES("EyeLike", since=9)
def eye_like(c: Call, x: Value) -> Value:
    rows, columns = _small_matrix(c, x)
    dtype = element_type(c.attribute("dtype")) if c.has("dtype") else x.type.dtype
    return c.constant(np.eye(rows, columns, int(c.attribute("k")), dtype.numpy), c.name)


def _small_matrix(c: Call, x: Value) -> tuple[int, int]:
    shape = c.shape(x)
    if len(shape) != 2 or math.prod(shape) > SMALL * SMALL:
        raise UnsupportedCase(f"a matrix like {x.type}")
    return shape[0], shape[1]


@RULES("Trilu", since=14)
def trilu(c: Call, x: Value, k: Value | None = None) -> Value:
    """Elements above or below a diagonal, the others 0."""
    shape = x.type.shape[-2:]
    rows, columns = (d for d in shape) if len(shape) == 2 else (0, 0)
    if isinstance(rows, Sym) or isinstance(columns, Sym) or len(shape) != 2:
        raise UnsupportedCase(f"a triangle of {x.type}")
    if rows * columns > SMALL * SMALL:
        raise UnsupportedCase(f"a triangle of {x.type}, which is large")
    offset = max(min(0 if k is None else c.one_int(k), columns), -rows - 1)
    ones = np.ones((rows, columns), bool)
    mask = np.triu(ones, offset) if c.attribute("upper") else np.tril(ones, offset)
    return c.emit(ops.Where(), c.constant(mask), x, c.like(0, x))

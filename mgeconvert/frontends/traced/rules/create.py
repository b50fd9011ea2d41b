"""Tensors made of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.elementwise import element_type
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import DType, Value
from mgeconvert.ir.dims import Dim


@RULES("function:tensor.zeros")
def zeros(c: Call, shape: Any, *, dtype: Any = "float32", device: Any = None) -> Value:
    return c.full(c.shape(shape), 0, element_type(dtype))


@RULES("function:tensor.ones")
def ones(c: Call, shape: Any, *, dtype: Any = "float32", device: Any = None) -> Value:
    return c.full(c.shape(shape), 1, element_type(dtype))


@RULES("function:tensor.full")
def full(c: Call, shape: Any, value: Any, *, dtype: Any = None, device: Any = None) -> Value:
    if isinstance(value, Value):
        filled = value if dtype is None else c.cast(value, element_type(dtype))
        return c.expand(filled, c.shape(shape))
    natural = DType.I32 if isinstance(value, int) else DType.F32
    return c.full(c.shape(shape), value, element_type(dtype, natural))


@RULES("function:tensor.zeros_like")
def zeros_like(c: Call, inp: Value) -> Value:
    return c.full(inp.type.shape, 0, inp.type.dtype)


@RULES("function:tensor.ones_like")
def ones_like(c: Call, inp: Value) -> Value:
    return c.full(inp.type.shape, 1, inp.type.dtype)


@RULES("function:tensor.full_like")
def full_like(c: Call, inp: Value, value: Any) -> Value:
    return c.full(inp.type.shape, value, inp.type.dtype)


@RULES("function:tensor.arange")
def arange(
    c: Call,
    start: Any = 0,
    stop: Any = None,
    step: Any = 1,
    *,
    dtype: Any = "float32",
    device: Any = None,
) -> Value:
    first, last = (0, start) if stop is None else (start, stop)
    values = np.arange(_number(c, first), _number(c, last), _number(c, step), np.float32)
    return c.constant(values.astype(element_type(dtype).numpy))


@RULES("function:tensor.linspace")
def linspace(
    c: Call, start: Any, stop: Any, num: Any, *, dtype: Any = "float32", device: Any = None
) -> Value:
    count = c.numbers(num)[0]
    values = np.linspace(_number(c, start), _number(c, stop), count, dtype=np.float32)
    return c.constant(values.astype(element_type(dtype).numpy))


@RULES("function:tensor.eye")
def eye(
    c: Call,
    N: Any,
    M: Any = None,
    *,
    dtype: Any = "float32",
    device: Any = None,
) -> Value:
    rows = c.numbers(N)
    columns = rows if M is None else c.numbers(M)
    return c.constant(np.eye(rows[0], columns[0], dtype=element_type(dtype).numpy))


def _number(c: Call, x: Any) -> float:
    if isinstance(x, (int, float)):
        return x
    dim: Dim = c.dim(x)
    if not isinstance(dim, int):
        raise UnsupportedCase(
            f"a range that depends on the symbolic size {dim}",
            hint="give the input a fixed shape",
        )
    return dim

"""Tensors made of numbers."""

from __future__ import annotations

from typing import Any

from mgeconvert.frontends.traced.call import Call, natural_type
from mgeconvert.frontends.traced.rules.elementwise import element_type
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import Value


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
    natural = natural_type(value)
    return c.full(c.shape(shape), value, element_type(dtype, natural))


@RULES("function:tensor.zeros_like")
def zeros_like(c: Call, inp: Value) -> Value:
    return c.full(inp.type.shape, 0, inp.type.dtype)


@RULES("function:tensor.ones_like")
def ones_like(c: Call, inp: Value) -> Value:
    return c.full(inp.type.shape, 1, inp.type.dtype)


@RULES("function:tensor.full_like")
def full_like(c: Call, inp: Value, value: float) -> Value:
    return c.full(inp.type.shape, value, inp.type.dtype)

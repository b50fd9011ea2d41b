"""Shapes, axes and indices."""

from __future__ import annotations

from typing import Any

from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import DType, Value, ops


@RULES("apply:GetVarShape")
def get_var_shape(c: Call, x: Value, *others: Value, axis: int | None = None) -> Value:
    dims = x.type.shape
    return c.dims(dims, dtype=DType.I32)


@RULES("method:reshape")
def reshape_method(c: Call, x: Value, *shape: Any) -> Value:
    return c.reshape(x, c.shape(shape))


@RULES("function:tensor.reshape")
def reshape(c: Call, x: Value, shape: Any) -> Value:
    return c.reshape(x, c.shape(shape))


@RULES("module:Identity", "module:Dropout")
def identity(c: Call, x: Value) -> Value:
    return c.emit(ops.Identity(), x)

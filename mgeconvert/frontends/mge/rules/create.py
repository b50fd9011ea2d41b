"""Tensors made of numbers."""

from __future__ import annotations

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.call import Call
from mgeconvert.frontends.mge.dtypes import element_type
from mgeconvert.frontends.mge.rules.table import RULES
from mgeconvert.ir import Value


@RULES("Alloc")
def alloc(c: Call, shape: Value) -> Value:
    """Memory without contents, which only tells its shape."""
    return c.full(c.known_dims(shape), 0, element_type(c.setting("dtype")))


@RULES("Linspace", limits="ends and count that are known when converting")
def linspace(c: Call, start: Value, stop: Value, count: Value) -> Value:
    """Float32, whatever the ends are."""
    (number,) = c.numbers(count)
    if start.const is None or stop.const is None:
        raise UnsupportedCase(
            "a range whose ends are known only at run time", hint="give the input a fixed shape"
        )
    first, last = (np.float64(v.const.reshape(())) for v in (start, stop) if v.const is not None)
    ends = bool(c.setting("endpoint"))
    steps = number - 1 if ends else number
    step = (last - first) / max(steps, 1)
    values = first + np.arange(number) * np.float32(step)
    return c.constant(values.astype(np.float32))


@RULES("Eye")
def eye(c: Call, shape: Value) -> Value:
    rows, columns = c.numbers(shape)
    dtype = element_type(c.setting("dtype"))
    return c.constant(np.eye(rows, columns, int(c.setting("k")), dtype=dtype.numpy))

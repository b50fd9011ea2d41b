"""Values that show that the inputs do not suit the model, whoever computes them; numpy only."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mgeconvert.ir import Array, Value

SHARE = 0.5
"""The share of elements at the upper end of a quantized value from which on it tells nothing."""


def saturation(value: Value, array: Array) -> str:
    """Say how `array`, the numbers of `value`, has left what the model is made for, "" if not.

    Minus infinity is left to masks, and the lower end of a quantized value to a relu.
    """
    if array.dtype.kind != "f" or not array.size:
        return ""
    if (np.isnan(array) | np.isposinf(array)).any():
        return f"{value.name!r} has NaN or infinity"
    if value.quant is None:
        return ""
    quant = value.quant
    top = (quant.qmax - np.asarray(quant.zero_point)) * np.asarray(quant.scale)
    if quant.axis is not None and top.size > 1:
        return ""
    share = float(np.mean(array >= top.max() * (1 - 1e-6)))
    return f"{share:.0%} of {value.name!r} is at its upper end" if share >= SHARE else ""


def idle_input(value: Value, idle: Mapping[Value, bool]) -> str:
    """Say which operand of the maker of `value` is zero all over, "" for none."""
    operands = value.producer.inputs if value.producer else ()
    names = (repr(v.name) for v in operands if v is not None and idle.get(v))
    name = next(names, "")
    return f"{name} is 0 all over" if name else ""

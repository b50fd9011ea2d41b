"""Fake quantization: numbers are rounded to what a quantized type can express, and stay float."""

from __future__ import annotations

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.call import Call
from mgeconvert.frontends.mge.rules.table import RULES
from mgeconvert.ir import Array, DType, Quant, Value, ops

HOLDERS = (DType.U8, DType.I8, DType.U16, DType.I16, DType.I32)
"""Element types by their size; one for numbers from 0 on comes before one of the same size."""


@RULES("FakeQuant", limits="a scale that is known when converting")
def fake_quant(c: Call, x: Value, scale: Value, zero_point: Value) -> Value:
    return _rounded(c, x, _known(scale, "scale"), _known(zero_point, "zero point"))


@RULES("TQT", limits="a scale that is known when converting")
def tqt(c: Call, x: Value, scale: Value) -> Value:
    """The scale is given by its logarithm to base 2."""
    exponent = _known(scale, "scale")
    return _rounded(c, x, np.exp2(exponent), np.zeros(1, np.float32))


@RULES("LSQ", limits="a scale that is known when converting")
def lsq(c: Call, x: Value, scale: Value, zero_point: Value, gradient_scale: Value) -> Value:
    return _rounded(c, x, _known(scale, "scale"), _known(zero_point, "zero point"))


def _known(x: Value, what: str) -> Array:
    if x.const is None:
        raise UnsupportedCase(
            f"a {what} that is computed at run time",
            hint="calibrate the model and dump it in evaluation mode",
        )
    return x.const.astype(np.float32)


def _rounded(c: Call, x: Value, scale: Array, zero_point: Array) -> Value:
    """Return x annotated: a constant as it is, anything else behind an identity of its own."""
    quant = _quant(c, x, scale, zero_point)
    if x.const is not None and x.quant is None:
        return c.named_after(x, x.const, quant)
    y = c.emit(ops.Identity(), x)
    y.quant = quant
    return y


def _quant(c: Call, x: Value, scale: Array, zero_point: Array) -> Quant:
    low, high = c.settings("qmin", "qmax")
    zeros = np.rint(zero_point)
    if not np.array_equal(zeros, zero_point):
        raise UnsupportedCase(f"zero points that are no whole numbers: {zero_point.tolist()}")
    axis = _axis(x, scale, zeros)
    scales = tuple(float(s) for s in scale.reshape(-1))
    return Quant(
        holder(low, high), low, high, scales, tuple(int(z) for z in zeros.reshape(-1)), axis
    )


def _axis(x: Value, scale: Array, zeros: Array) -> int | None:
    """Return the axis along which the scale runs, None where it has one element."""
    if scale.size == 1 and zeros.size == 1:
        return None
    offset = x.type.rank - scale.ndim
    long = [i for i, d in enumerate(scale.shape) if d != 1]
    if len(long) != 1 or offset < 0 or zeros.size not in (1, scale.size):
        raise UnsupportedCase(f"a scale of shape {scale.shape} for {x.type}")
    return long[0] + offset


def holder(low: int, high: int) -> DType:
    """Return the smallest element type for whole numbers from `low` to `high`."""
    for dtype in HOLDERS:
        limits = np.iinfo(dtype.numpy)
        if limits.min <= low and high <= limits.max:
            return dtype
    raise UnsupportedCase(f"numbers from {low} to {high}")

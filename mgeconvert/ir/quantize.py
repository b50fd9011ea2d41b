"""What quantization does to numbers, with MegEngine's rounding; numpy and the IR's types only.

A graph stays a float graph: `Value.quant` says that a value is rounded to what its parameters can
express, v = dequantize(quantize(x)). Rounding is half away from zero, in float32, as MegEngine has
it; targets that round otherwise differ by one step on exact ties.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mgeconvert.errors import QuantError
from mgeconvert.ir.op import Array
from mgeconvert.ir.types import DType, Quant, TensorType

WORD = Quant(DType.I32, -(2**31), 2**31 - 1, (1.0,))
"""The type of biases, with any scale."""


def round_half_away(x: Array) -> Array:
    """Return the nearest whole numbers, ties away from zero, in the element type of x."""
    whole = np.trunc(x)
    return whole + np.copysign((np.abs(x - whole) >= 0.5).astype(x.dtype), x)


def quantize(x: Array, q: Quant) -> Array:
    """Return the whole numbers that stand for x, in the element type of `q`.

    clip(round(x / scale) + zero_point, qmin, qmax); NaN becomes the zero point.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        steps = round_half_away(x.astype(np.float32) / along(q.scale, np.float32, q, x.ndim))
        # float64, for float32 cannot tell the last of the 2^32 numbers of a bias apart
        shifted = steps.astype(np.float64) + along(q.zero_point, np.float64, q, x.ndim)
    zero = along(q.zero_point, np.float64, q, x.ndim)
    shifted = np.where(np.isnan(shifted), zero, shifted)
    return np.clip(shifted, q.qmin, q.qmax).astype(q.dtype.numpy)


def dequantize(x: Array, q: Quant) -> Array:
    """Return the numbers that the whole numbers x stand for, in float32."""
    steps = x.astype(np.float64) - along(q.zero_point, np.float64, q, x.ndim)
    return steps.astype(np.float32) * along(q.scale, np.float32, q, x.ndim)


def fake_quantize(x: Array, q: Quant) -> Array:
    """Return x rounded to what `q` can express, in the element type of x."""
    return dequantize(quantize(x, q), q).astype(x.dtype, copy=False)


def along(numbers: Sequence[float], dtype: type, q: Quant, rank: int) -> Array:
    """Return the parameters of `q` so that they broadcast to a tensor of `rank` axes."""
    array: Array = np.asarray(numbers, dtype)
    if q.axis is None or array.size == 1:
        return array.reshape(())
    return array.reshape([-1 if i == q.axis else 1 for i in range(rank)])


def bias_quant(x: Quant, w: Quant, *, axis: int) -> Quant:
    """Return how the bias of a layer is quantized: 32 bits, the product of both scales.

    `axis` is the axis of the output channels in the weights; x has one scale.
    """
    if len(x.scale) != 1:
        raise QuantError("a layer's input needs one scale, not one for each channel")
    if w.axis not in (None, axis):
        raise QuantError(f"weights with a scale for each index of axis {w.axis}, not of {axis}")
    scales = np.asarray(w.scale, np.float32) * np.float32(x.scale[0])
    numbers = tuple(float(s) for s in scales)
    return Quant(WORD.dtype, WORD.qmin, WORD.qmax, numbers, axis=None if w.axis is None else 0)


def problem(type: TensorType, q: Quant) -> str:
    """Return what is wrong with a value of `type` that is quantized by `q`, "" if nothing."""
    if not q.dtype.is_integer:
        return f"{q.dtype.value} is no element type to quantize to"
    limits = np.iinfo(q.dtype.numpy)
    if q.qmin < limits.min or q.qmax > limits.max:
        return f"{q.qmin} to {q.qmax} does not fit {q.dtype.value}"
    if not all(q.qmin <= zero <= q.qmax for zero in q.zero_point):
        return f"the zero points {q.zero_point} are not within {q.qmin} to {q.qmax}"
    if q.axis is None:
        return ""
    if not 0 <= q.axis < type.rank:
        return f"{type} has no axis {q.axis}"
    if type.shape[q.axis] != len(q.scale):
        return f"{len(q.scale)} scales for axis {q.axis} of {type}"
    return ""

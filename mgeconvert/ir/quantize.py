"""What quantization does to numbers, with MegEngine's rounding; numpy and the IR's types only.

A graph stays a float graph: `Value.quant` says that a value is rounded to what its parameters can
express, v = dequantize(quantize(x)). Rounding is half away from zero, in float32, as MegEngine has
it; targets that round otherwise differ by one step on exact ties. The loops are in
`mgeconvert.native`, which also says what becomes of NaN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mgeconvert import native
from mgeconvert.errors import QuantError
from mgeconvert.ir.op import Array
from mgeconvert.ir.types import DType, Quant, TensorType
from mgeconvert.native import Rounding, round_half_away

__all__ = [
    "Rounding",
    "round_half_away",
    "quantize",
    "dequantize",
    "fake_quantize",
    "bias_quant",
    "WORD",
    "problem",
    "symmetric_weights",
    "quantize_multiplier",
    "layer_multipliers",
]

WORD = Quant(DType.I32, -(2**31), 2**31 - 1, (1.0,))
"""The type of biases, with any scale."""


def quantize(x: Array, q: Quant, *, rounding: Rounding = Rounding.AWAY) -> Array:
    """Return the whole numbers that stand for x, in the element type of `q`.

    clip(round(x / scale) + zero_point, qmin, qmax); NaN becomes qmin.
    """
    return native.quantize(x, q, dtype=q.dtype.numpy, rounding=rounding)


def dequantize(x: Array, q: Quant) -> Array:
    """Return the numbers that the whole numbers x stand for, in float32."""
    return native.dequantize(x, q)


def fake_quantize(x: Array, q: Quant, *, rounding: Rounding = Rounding.AWAY) -> Array:
    """Return x rounded to what `q` can express, in the element type of x; NaN stays."""
    return native.fake_quantize(x, q, rounding=rounding)


def bias_quant(x: Quant, w: Quant, *, axis: int) -> Quant:
    """Return how the bias of a layer is quantized: 32 bits, the float32 product of both scales.

    That is how MegEngine, ONNX's integer layers and TFLite's quantization specification have it.
    `axis` is the axis of the output channels in the weights; x has one scale.
    """
    if len(x.scale) != 1:
        raise QuantError("a layer's input needs one scale, not one for each channel")
    if w.axis not in (None, axis):
        raise QuantError(f"weights with a scale for each index of axis {w.axis}, not of {axis}")
    scales = np.asarray(w.scale, np.float32) * np.float32(x.scale[0])
    numbers = tuple(float(s) for s in scales)
    return Quant(WORD.dtype, WORD.qmin, WORD.qmax, numbers, axis=None if w.axis is None else 0)


def symmetric_weights(
    w: Array, axis: int | None, *, scale: Sequence[float] | None = None
) -> tuple[Array, Quant]:
    """Return float weights as int8 from -127 to 127 without zero points, and how.

    One scale for the tensor (`axis` is None) or for each index of `axis`; where none is given, the
    largest magnitude is 127 steps, and 1 where all are 0. Weights beyond the range of a given scale
    become the nearest ends: -128 of MegEngine's qint8 becomes -127. This is how TFLite's
    quantization specification wants filters, with half away from zero; it allows scales along the
    output channels only. Raises QuantError for NaN and infinities.
    """
    if not np.isfinite(w).all():
        raise QuantError("weights that are not finite")
    numbers = _largest_as_127(w, axis) if scale is None else tuple(scale)
    q = Quant(DType.I8, -127, 127, numbers, axis=axis)
    return quantize(w, q), q


def _largest_as_127(w: Array, axis: int | None) -> tuple[float, ...]:
    others = tuple(i for i in range(w.ndim) if i != axis)
    most = np.max(np.abs(w), axis=others, initial=0).astype(np.float32).reshape(-1)
    scales = np.maximum(most / np.float32(127), np.finfo(np.float32).tiny)
    return tuple(float(s) for s in np.where(most == 0, np.float32(1), scales))


def quantize_multiplier(factor: float) -> tuple[int, int]:
    """Return (multiplier, shift) with factor ~ multiplier * 2^(shift - 31), for TFLite's kernels.

    As QuantizeMultiplier in tensorflow/lite/kernels/internal/quantization_util.cc: the significand
    of the double in 31 bits, half away from zero, so 2^30 <= multiplier < 2^31; (0, 0) below about
    2^-32; from 2^30 on the largest factor, 2^31 - 1 and 30, which is what kernels of single
    rounding have. Raises QuantError for a factor that is negative, infinite or NaN.
    """
    if not 0 <= factor < math.inf:
        raise QuantError(f"a factor of {factor} between scales")
    significand, shift = math.frexp(factor)
    multiplier = (int(significand * 2**53) + 2**21) >> 22
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift + 1
    if shift < -31:
        return 0, 0
    return (multiplier, shift) if shift <= 30 else (2**31 - 1, 30)


def layer_multipliers(x: Quant, w: Quant, y: Quant) -> tuple[tuple[int, int], ...]:
    """Return `quantize_multiplier` of input scale * weight scale / output scale, in float64.

    One for each weight scale; x and y have one scale. As
    PopulateConvolutionQuantizationParams in tensorflow/lite/kernels/kernel_util.cc.
    Raises QuantError where x or y has several scales.
    """
    if len(x.scale) != 1 or len(y.scale) != 1:
        raise QuantError("a layer's input and output need one scale, not one for each channel")
    into, out = (float(np.float32(q.scale[0])) for q in (x, y))
    return tuple(quantize_multiplier(into * float(np.float32(s)) / out) for s in w.scale)


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

"""Quantization: pairs become parameters of the value between them, all else arithmetic."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from mgeconvert.errors import QuantError, ShapeError, UnsupportedCase
from mgeconvert.frontends.onnx.call import Call
from mgeconvert.frontends.onnx.rules.table import RULES
from mgeconvert.frontends.onnx.tensors import element_type
from mgeconvert.ir import DType, Quant, Value, ops
from mgeconvert.ir.quantize import Rounding, dequantize, fake_quantize, problem

LIMITS = "constant scales and zero points, no blocks"


@RULES("QuantizeLinear", since=10, limits=LIMITS)
def quantize_linear(c: Call, x: Value, scale: Value, zero: Value | None = None) -> Value:
    """saturate(round(x / scale) + zero_point), half to even.

    Where a DequantizeLinear of the same parameters reads it, this is left without a reader.
    """
    _need_no_blocks(c)
    if c.attribute("precision", 0) not in (0, TensorProto.FLOAT):
        raise UnsupportedCase("precision other than float32")
    x = x if x.type.dtype.is_float else c.cast(x, scale.type.dtype)
    q = _quant(c, x, scale, zero, dtype=_stored(c, zero))
    shape = _shape(x, q)
    whole = c.emit(ops.Round(half="even"), c.emit(ops.Div(), x, _numbers(c, scale, shape)))
    if zero is not None and any(q.zero_point):
        whole = c.emit(ops.Add(), whole, _numbers(c, zero, shape, dtype=x.type.dtype))
    held = c.emit(ops.Clip(low=float(q.qmin), high=float(q.qmax)), whole)
    stored = c.cast(held, q.dtype)
    c.quantized[stored] = (x, q)
    return stored


@RULES("DequantizeLinear", since=10, limits=LIMITS)
def dequantize_linear(c: Call, stored: Value, scale: Value, zero: Value | None = None) -> Value:
    """(x - zero_point) * scale; of a constant the numbers it stands for, and how it is stored."""
    _need_no_blocks(c)
    given = c.attribute("output_dtype", 0)
    if given and element_type(given) is not scale.type.dtype:
        raise UnsupportedCase(f"output_dtype = {given} beside scales of {scale.type.dtype.value}")
    q = _quant(c, stored, scale, zero, dtype=stored.type.dtype)
    plain = scale.type.dtype is DType.F32
    x, known = c.quantized.get(stored, (None, None))
    if plain and x is not None and known == q and x.type.dtype is DType.F32:
        return _rounded(c, x, q)
    if plain and stored.const is not None:
        value = c.constant(dequantize(stored.const, q), c.name)
        value.quant = q
        return value
    numbers = c.cast(stored, scale.type.dtype)
    shape = _shape(stored, q)
    if zero is not None and any(q.zero_point):
        moved = _numbers(c, zero, shape, dtype=scale.type.dtype)
        numbers = c.emit(ops.Sub(), numbers, moved)
    return c.emit(ops.Mul(), numbers, _numbers(c, scale, shape))


def _rounded(c: Call, x: Value, q: Quant) -> Value:
    """Return x annotated; a constant is rounded at once, as the source has it."""
    if x.const is not None:
        value = c.constant(fake_quantize(x.const, q, rounding=Rounding.EVEN), c.name)
    else:
        value = c.emit(ops.Identity(), x)
    value.quant = q
    return value


def _need_no_blocks(c: Call) -> None:
    if c.attribute("block_size", 0):
        raise UnsupportedCase(f"block_size = {c.attribute('block_size')}")


def _stored(c: Call, zero: Value | None) -> DType:
    """Return the element type of the result: that of the zero point, or uint8."""
    given = c.attribute("output_dtype", 0)
    named = element_type(given) if given else None
    if zero is None:
        return named or DType.U8
    if named not in (None, zero.type.dtype):
        raise ShapeError(f"output_dtype = {given} beside a zero point of {zero.type.dtype.value}")
    return zero.type.dtype


def _quant(c: Call, x: Value, scale: Value, zero: Value | None, *, dtype: DType) -> Quant:
    """Return the parameters; one scale for the tensor, or one for each index of an axis."""
    if scale.const is None or (zero is not None and zero.const is None):
        raise UnsupportedCase("quantization parameters that are known only at run time")
    if not dtype.is_integer:
        raise UnsupportedCase(f"quantization to {dtype.value}")
    if scale.type.rank > 1 or (zero is not None and zero.type.shape != scale.type.shape):
        shapes = f"{scale.type} and {zero.type}" if zero is not None else str(scale.type)
        raise UnsupportedCase(f"scales and zero points of the types {shapes}")
    limits = np.iinfo(dtype.numpy)
    scales = tuple(float(s) for s in scale.const.reshape(-1).tolist())
    zeros = (0,) if zero is None or zero.const is None else _whole(zero.const.reshape(-1))
    axis = None if len(scales) == 1 else c.axis(c.attribute("axis", 1), x.type.rank)
    q = Quant(dtype, int(limits.min), int(limits.max), scales, zeros, axis)
    wrong = problem(x.type, q)
    if wrong:
        raise QuantError(wrong)
    return q


def _whole(zeros: np.ndarray) -> tuple[int, ...]:
    numbers = tuple(int(z) for z in zeros.tolist())
    return numbers if any(numbers) else (0,)


def _shape(x: Value, q: Quant) -> tuple[int, ...]:
    """Return the shape in which the parameters broadcast to x."""
    if q.axis is None:
        return ()
    return tuple(-1 if axis == q.axis else 1 for axis in range(x.type.rank))


def _numbers(
    c: Call, parameter: Value, shape: tuple[int, ...], *, dtype: DType | None = None
) -> Value:
    assert parameter.const is not None
    array = parameter.const.reshape(shape)
    return c.constant(array if dtype is None else array.astype(dtype.numpy))

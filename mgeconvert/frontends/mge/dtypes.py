"""MegEngine's element types in the IR."""

from __future__ import annotations

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.records import PACKED_BITS, Array, MgeDType, MgeTensor
from mgeconvert.ir import DType, Quant
from mgeconvert.ir.quantize import dequantize

PLAIN = {
    "Float32": DType.F32,
    "Float16": DType.F16,
    "Uint8": DType.U8,
    "Int8": DType.I8,
    "Int16": DType.I16,
    "Uint16": DType.U16,
    "Int32": DType.I32,
    "Bool": DType.BOOL,
    "Byte": DType.U8,
}
QUANTIZED = {
    "QuantizedS8": (DType.I8, -128, 127),
    "Quantized8Asymm": (DType.U8, 0, 255),
    "QuantizedS16": (DType.I16, -32768, 32767),
    "QuantizedS32": (DType.I32, -(2**31), 2**31 - 1),
    "QuantizedS4": (DType.I8, -8, 7),
    "Quantized4Asymm": (DType.U8, 0, 15),
    "QuantizedS1": (DType.I8, 0, 1),
}
"""Quantized types: what holds their elements, and their range."""


def element_type(given: MgeDType | str | None) -> DType:
    """Return the element type in the IR: that of the numbers meant, float32, for quantized ones.

    Some operators have no more than its name. Without one, as where a dump leaves the default, it
    is float32. Raise UnsupportedCase for what the IR does not hold.
    """
    if given is None:
        return DType.F32
    dtype = MgeDType(given) if isinstance(given, str) else given
    if dtype.name in PLAIN:
        return PLAIN[dtype.name]
    if quantization(dtype) is not None:
        return DType.F32
    raise UnsupportedCase(f"the element type {dtype.name} has no place in the IR")


def quantization(dtype: MgeDType) -> Quant | None:
    """Return how a tensor of this type is quantized; None for other types."""
    if dtype.name not in QUANTIZED or dtype.scale is None:
        return None
    storage, low, high = QUANTIZED[dtype.name]
    return Quant(storage, low, high, (dtype.scale,), (dtype.zero_point or 0,))


def meaning(tensor: MgeTensor) -> tuple[Array, Quant | None]:
    """Return the numbers that a constant stands for, and how they are quantized."""
    dtype = element_type(tensor.dtype)
    assert tensor.data is not None
    quant = quantization(tensor.dtype)
    if quant is None:
        return native(tensor.data, dtype), None
    bits = PACKED_BITS.get(tensor.dtype.name)
    whole = tensor.data if bits is None else unpacked(tensor, bits, signed=quant.qmin < 0)
    return dequantize(whole, quant), quant


def unpacked(tensor: MgeTensor, bits: int, *, signed: bool) -> Array:
    """Return elements smaller than a byte one by one, the first one in the low bits.

    A row along the last axis begins with a new byte.
    """
    assert tensor.data is not None
    *outer, last = tensor.shape
    per_byte = 8 // bits
    row = -(-last // per_byte)
    count = int(np.prod(outer, dtype=np.int64)) * row
    if tensor.data.size != count:
        raise UnsupportedCase(
            f"{tensor.data.size} bytes of {tensor.dtype.name}{list(tensor.shape)}, not {count}"
        )
    shifts = np.arange(per_byte, dtype=np.uint8) * np.uint8(bits)
    parts = (tensor.data.reshape(*outer, row, 1) >> shifts) & np.uint8(2**bits - 1)
    whole = parts.reshape(*outer, row * per_byte)[..., :last].astype(np.int8)
    return np.where(whole >= 2 ** (bits - 1), whole - 2**bits, whole) if signed else whole


def native(array: Array, dtype: DType) -> Array:
    """Return an array in the machine's byte order; what needs no change stays a view."""
    return np.require(array, dtype.numpy, ("C",))

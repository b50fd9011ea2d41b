"""MegEngine's element types in the IR."""

from __future__ import annotations

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.records import Array, MgeDType
from mgeconvert.ir import DType, Quant

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
}
"""Quantized types with whole bytes: what holds them, and their range."""

NOT_YET = "quantization is not supported yet"
HINT = "dump the float model; for quantized types see docs/mge-options.md"


def element_type(given: MgeDType | str | None) -> DType:
    """Return the element type; raise UnsupportedCase for quantized ones and for what is not held.

    Some operators have no more than its name. Without one, as where a dump leaves the default, it
    is float32.
    """
    if given is None:
        return DType.F32
    dtype = MgeDType(given) if isinstance(given, str) else given
    if dtype.name in PLAIN:
        return PLAIN[dtype.name]
    if dtype.scale is not None or dtype.name.startswith("Quantized"):
        raise UnsupportedCase(f"{NOT_YET}: {dtype.name}", hint=HINT)
    raise UnsupportedCase(f"the element type {dtype.name} has no place in the IR")


def quantization(dtype: MgeDType) -> Quant | None:
    """Return how a tensor of this type is quantized; None for plain types.

    Raise UnsupportedCase for quantized types whose elements are smaller than a byte.
    """
    if dtype.scale is None:
        return None
    if dtype.name not in QUANTIZED:
        raise UnsupportedCase(f"{NOT_YET}: {dtype.name}", hint=HINT)
    storage, low, high = QUANTIZED[dtype.name]
    return Quant(storage, low, high, (dtype.scale,), (dtype.zero_point or 0,))


def native(array: Array) -> Array:
    """Return an array in the machine's byte order; what needs no change stays a view."""
    return np.require(array, array.dtype.newbyteorder("="), ("C",))

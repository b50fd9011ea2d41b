"""Two numbers of four bits to a byte, the first in the low bits; depends on numpy.

ONNX (INT4, UINT4) and TFLite (INT4) have this order, over the elements in C order; where their
number is odd, the high bits of the last byte are 0. MegEngine (QuantizedS4, Quantized4Asymm) has it
within each row along the last axis, which begins with a new byte.
"""

from __future__ import annotations

import numpy as np

from mgeconvert.native.channels import Array
from mgeconvert.native.extension import NO_NATIVE, _native

__all__ = [
    "pack_nibbles",
    "pack_nibbles_native",
    "pack_nibbles_numpy",
    "unpack_nibbles",
    "unpack_nibbles_native",
    "unpack_nibbles_numpy",
]


def pack_nibbles(x: Array) -> Array:
    """Return the bytes of x as a flat uint8 array, half as many, rounded up.

    x is int8 with numbers from -8 to 7, or uint8 with numbers from 0 to 15, of any shape; raises
    ValueError otherwise.
    """
    return pack_nibbles_numpy(x) if NO_NATIVE else pack_nibbles_native(x)


def pack_nibbles_native(x: Array) -> Array:
    """`pack_nibbles` by the extension module."""
    _judge(x.dtype)
    result = np.empty((x.size + 1) // 2, np.uint8)
    if not _native.pack_nibbles(np.ascontiguousarray(x), result):
        raise _outside(x.dtype)
    return result


def pack_nibbles_numpy(x: Array) -> Array:
    """`pack_nibbles` by numpy: the definition that the extension module is tested against."""
    _judge(x.dtype)
    low, high = (-8, 7) if x.dtype == np.int8 else (0, 15)
    if x.size and not (low <= x.min() and x.max() <= high):
        raise _outside(x.dtype)
    flat = x.reshape(-1).view(np.uint8) & 15
    result = flat[::2].copy()
    result[: flat.size // 2] |= flat[1::2] << 4
    return result


def unpack_nibbles(data: Array, *, size: int, dtype: np.dtype) -> Array:
    """Return `size` numbers from the bytes `data` (uint8), flat, in int8 or uint8.

    Raises ValueError when data are not the bytes of so many numbers, or for another `dtype`.
    """
    run = unpack_nibbles_numpy if NO_NATIVE else unpack_nibbles_native
    return run(data, size=size, dtype=dtype)


def unpack_nibbles_native(data: Array, *, size: int, dtype: np.dtype) -> Array:
    """`unpack_nibbles` by the extension module."""
    _judge_bytes(data, size=size, dtype=dtype)
    result = np.empty(size, dtype)
    _native.unpack_nibbles(np.ascontiguousarray(data), result)
    return result


def unpack_nibbles_numpy(data: Array, *, size: int, dtype: np.dtype) -> Array:
    """`unpack_nibbles` by numpy: the definition that the extension module is tested against."""
    _judge_bytes(data, size=size, dtype=dtype)
    flat = data.reshape(-1)
    nibbles = np.empty(2 * flat.size, np.uint8)
    nibbles[::2], nibbles[1::2] = flat & 15, flat >> 4
    numbers = nibbles[:size]
    return (numbers ^ 8).view(np.int8) - np.int8(8) if dtype == np.int8 else numbers


def _judge(dtype: np.dtype) -> None:
    if dtype not in (np.int8, np.uint8):
        raise ValueError(f"four bits are int8 or uint8 before, not {dtype}")


def _judge_bytes(data: Array, *, size: int, dtype: np.dtype) -> None:
    _judge(dtype)
    if data.dtype != np.uint8 or data.size != (size + 1) // 2:
        raise ValueError(f"{data.size} of {data.dtype} are not the bytes of {size} numbers")


def _outside(dtype: np.dtype) -> ValueError:
    low, high = (-8, 7) if dtype == np.int8 else (0, 15)
    return ValueError(f"numbers beyond {low} to {high} do not fit four bits")

"""Which numbers a blob of float32 holds besides those of float32, which are all its own."""

from __future__ import annotations

from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import DType

LARGEST = 1 << 24  # up to here float32 has all whole numbers
HELD = {
    DType.BOOL: (0, 1),
    DType.I8: (-128, 127),
    DType.U8: (0, 255),
    DType.I16: (-(1 << 15), (1 << 15) - 1),
    DType.U16: (0, (1 << 16) - 1),
    DType.I32: (-LARGEST, LARGEST),
    DType.I64: (-LARGEST, LARGEST),
}
"""The element types of whole numbers, and the least and the greatest that are held."""


def need_held(dtype: DType, what: str) -> None:
    """Raise UnsupportedCase where float32 does not hold numbers of `dtype`."""
    if dtype is not DType.F32 and dtype not in HELD:
        raise UnsupportedCase(
            f"{what} of {dtype.value}: Caffe's blobs are float32",
            hint="make it float32 in the model",
        )

"""Types of tensors in the IR: element type, shape, quantization."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from mgeconvert.errors import QuantError, UnsupportedCase
from mgeconvert.ir.dims import Dim, Shape, product


class DType(enum.Enum):
    """Element types; the values are numpy's names."""

    BOOL = "bool"
    I8 = "int8"
    U8 = "uint8"
    I16 = "int16"
    U16 = "uint16"
    I32 = "int32"
    U32 = "uint32"
    I64 = "int64"
    U64 = "uint64"
    F16 = "float16"
    F32 = "float32"
    F64 = "float64"

    @property
    def numpy(self) -> np.dtype[Any]:
        """The numpy dtype, in the machine's byte order."""
        return np.dtype(self.value)

    @property
    def is_float(self) -> bool:
        return self.value.startswith("float")

    @property
    def is_integer(self) -> bool:
        return "int" in self.value

    @staticmethod
    def of(array: np.ndarray[Any, Any] | np.dtype[Any]) -> DType:
        """Return the element type of an array or dtype; raise UnsupportedCase for others."""
        return _of(array if isinstance(array, np.dtype) else array.dtype)


@cache  # a dtype takes long to tell its name
def _of(dtype: np.dtype[Any]) -> DType:
    try:
        return DType(dtype.name)
    except ValueError:
        raise UnsupportedCase(f"element type {dtype} has no place in the IR") from None


@dataclass(frozen=True)
class TensorType:
    """Element type and shape; images are NCHW, filters OIHW, always."""

    dtype: DType
    shape: Shape

    def __str__(self) -> str:
        return f"{self.dtype.value}[{', '.join(map(str, self.shape))}]"

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> Dim:
        """The number of elements."""
        return product(self.shape)

    @property
    def static(self) -> tuple[int, ...] | None:
        """The shape where all of it is known, else None."""
        known = tuple(d for d in self.shape if isinstance(d, int))
        return known if len(known) == len(self.shape) else None


@dataclass(frozen=True)
class Quant:
    """How a value is quantized: real = scale * (q - zero_point), qmin <= q <= qmax.

    One scale for the tensor, or one for each index along `axis`.
    """

    dtype: DType
    qmin: int
    qmax: int
    scale: tuple[float, ...]
    zero_point: tuple[int, ...] = (0,)
    axis: int | None = None

    def __post_init__(self) -> None:
        if self.axis is None and len(self.scale) != 1:
            raise QuantError(f"{len(self.scale)} scales need an axis")
        if len(self.zero_point) not in (1, len(self.scale)):
            raise QuantError(f"{len(self.zero_point)} zero points for {len(self.scale)} scales")
        if not all(0 < s < float("inf") for s in self.scale):
            raise QuantError(f"scales must be positive and finite, not {self.scale}")
        if self.qmin >= self.qmax:
            raise QuantError(f"qmin {self.qmin} is not below qmax {self.qmax}")

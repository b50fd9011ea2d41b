"""What the kernels know of an array: the numbers of its channels, and how it rounds."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

NARROW = 2**22
"""Below this, whole numbers and their halves are exact in float32."""


class Rounding(enum.Enum):
    """What becomes of a number right between two whole ones."""

    AWAY = "half away from zero"
    """MegEngine, TFLite's reference kernels, C's round."""
    EVEN = "half to even"
    """ONNX, XNNPACK, IEEE 754's default."""


class Grid(Protocol):
    """The numbers scale * (q - zero_point), qmin <= q <= qmax; `mgeconvert.ir.Quant` is one.

    `scale` has one number for the tensor (`axis` is None) or one for each index of `axis`;
    `zero_point` as many, or one.
    """

    @property
    def scale(self) -> Sequence[float]: ...
    @property
    def zero_point(self) -> Sequence[int]: ...
    @property
    def qmin(self) -> int: ...
    @property
    def qmax(self) -> int: ...
    @property
    def axis(self) -> int | None: ...


@dataclass(frozen=True)
class Channels:
    """The numbers of a grid as the extension module takes them, one of each for a channel.

    `inner` elements of a channel follow each other; `kind` is float32 where that is exact.
    """

    inner: int
    scale: Array
    low: Array
    high: Array
    zero: Array

    @property
    def arguments(self) -> tuple[int, Array, Array, Array, Array]:
        return self.inner, self.scale, self.low, self.high, self.zero


def channels(shape: tuple[int, ...], grid: Grid, *, kind: type) -> Channels | None:
    """Return the numbers of `grid` for an array of `shape`; None where `kind` is not exact."""
    zero = np.array(grid.zero_point, np.float64)
    low, high = grid.qmin - zero, grid.qmax - zero
    bound = NARROW if kind is np.float32 else 2**33
    if not all(np.all(np.abs(numbers) <= bound) for numbers in (zero, low, high)):
        return None
    scale = np.array(grid.scale, np.float32)
    low, high, zero = (
        np.ascontiguousarray(np.broadcast_to(numbers, scale.shape), kind)
        for numbers in (low, high, zero)
    )
    inner = inner_size(shape, grid.axis, count=scale.size)
    return Channels(inner, scale, low, high, zero)


def inner_size(shape: tuple[int, ...], axis: int | None, *, count: int) -> int:
    """Return how many elements of a channel follow each other in C order.

    Raises ValueError when the axis has not `count` indices.
    """
    if axis is None or count == 1:
        return math.prod(shape)
    if not 0 <= axis < len(shape) or shape[axis] != count:
        raise ValueError(f"{count} numbers for axis {axis} of shape {shape}")
    return math.prod(shape[axis + 1 :])


def along(numbers: Sequence[float], dtype: type, grid: Grid, rank: int) -> Array:
    """Return the parameters of `grid` so that they broadcast to an array of `rank` axes."""
    array: Array = np.asarray(numbers, dtype)
    return spread(array, grid.axis, rank)


def spread(numbers: Array, axis: int | None, rank: int) -> Array:
    """Return the numbers of each channel so that they broadcast to an array of `rank` axes."""
    if axis is None or numbers.size == 1:
        return numbers.reshape(())
    return numbers.reshape([-1 if i == axis else 1 for i in range(rank)])


def round_half_away(x: Array) -> Array:
    """Return the nearest whole numbers, ties away from zero, in the element type of x."""
    whole = np.trunc(x)
    return whole + np.copysign((np.abs(x - whole) >= 0.5).astype(x.dtype), x)


def rounded(x: Array, rounding: Rounding) -> Array:
    """Return the nearest whole numbers in the element type of x; NaN and infinities stay."""
    if rounding is Rounding.EVEN:
        return np.rint(x)
    with np.errstate(invalid="ignore"):
        return round_half_away(x)

"""Sums to whole numbers by a fixed-point factor, as TFLite's kernels do it; depends on numpy.

The factor is multiplier * 2^(shift - 31); `mgeconvert.ir.quantize.quantize_multiplier` finds both.
The forms are those of MultiplyByQuantizedMultiplier in tensorflow/lite/kernels/internal/common.cc.
Where a product does not fit 32 bits, which the kernels exclude, its low 32 bits count.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mgeconvert.native.channels import Array, inner_size, spread
from mgeconvert.native.extension import NO_NATIVE, _native

__all__ = [
    "FixedPoint",
    "Multipliers",
    "requantize_fixed",
    "requantize_fixed_native",
    "requantize_fixed_numpy",
]


class FixedPoint(enum.Enum):
    """How a product is rounded; the value is the element type of the sums."""

    ONCE = "int32, rounded once"
    """Half up; kernels built with TFLITE_SINGLE_ROUNDING. Shifts from -31 to 30."""
    TWICE = "int32, rounded twice"
    """The high word of the doubled product, then the shift to the right; shifts from -31 to 30."""
    WIDE = "int64"
    """Half up, with a multiplier of 16 bits; layers of 16 bit activations. Shifts from -31 to 7."""

    @property
    def sums(self) -> np.dtype:
        """The element type of the sums."""
        return np.dtype(np.int64 if self is FixedPoint.WIDE else np.int32)

    @property
    def most_left(self) -> int:
        """The largest shift."""
        return 7 if self is FixedPoint.WIDE else 30


@dataclass(frozen=True)
class Multipliers:
    """The factors of a tensor (`axis` is None) or of each index of `axis`, and what follows.

    `zero_point` is added to the product, then qmin and qmax bound it: an activation in them, too.
    """

    multiplier: Sequence[int]
    shift: Sequence[int]
    zero_point: int
    qmin: int
    qmax: int
    axis: int | None = None


def requantize_fixed(x: Array, m: Multipliers, *, dtype: np.dtype, form: FixedPoint) -> Array:
    """Return sums as whole numbers in `dtype`: int8, uint8, int16 or int32.

    x has the element type `form.sums`. Raises ValueError for another one, for multipliers below 0
    or beyond int32, shifts that the form has not, bounds beyond `dtype`, and numbers that do not
    fit the axis.
    """
    run = requantize_fixed_numpy if NO_NATIVE else requantize_fixed_native
    return run(x, m, dtype=dtype, form=form)


def requantize_fixed_native(
    x: Array, m: Multipliers, *, dtype: np.dtype, form: FixedPoint
) -> Array:
    """`requantize_fixed` by the extension module."""
    multiplier, shift, inner = _judged(x, m, dtype=dtype, form=form)
    zero = np.full(multiplier.shape, m.zero_point, np.int32)
    loops: dict[FixedPoint, Callable[..., None]] = {
        FixedPoint.ONCE: _native.requantize_once,
        FixedPoint.TWICE: _native.requantize_twice,
        FixedPoint.WIDE: _native.requantize_wide,
    }
    result = np.empty(x.shape, dtype)
    loop = loops[form]
    loop(np.ascontiguousarray(x), result, inner, multiplier, shift, zero, m.qmin, m.qmax)
    return result


def requantize_fixed_numpy(x: Array, m: Multipliers, *, dtype: np.dtype, form: FixedPoint) -> Array:
    """`requantize_fixed` by numpy: the definition that the extension module is tested against."""
    numbers = _judged(x, m, dtype=dtype, form=form)[:2]
    multiplier, shift = (spread(n.astype(np.int64), m.axis, x.ndim) for n in numbers)
    scaled = {FixedPoint.ONCE: _once, FixedPoint.TWICE: _twice, FixedPoint.WIDE: _wide}[form]
    product = scaled(x.astype(np.int64), multiplier, shift).astype(np.int32)
    return np.clip(product.astype(np.int64) + m.zero_point, m.qmin, m.qmax).astype(dtype)


def _once(x: Array, multiplier: Array, shift: Array) -> Array:
    right = 31 - shift
    return (x * multiplier + (np.int64(1) << (right - 1))) >> right


def _twice(x: Array, multiplier: Array, shift: Array) -> Array:
    left, right = np.maximum(shift, 0), np.maximum(-shift, 0)
    product = (x << left).astype(np.int32).astype(np.int64) * multiplier
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    # towards zero
    high = np.where(nudged >= 0, nudged >> 31, -(-nudged >> 31))
    mask = (np.int64(1) << right) - 1
    threshold = (mask >> 1) + (high < 0)
    return (high >> right) + ((high & mask) > threshold)


def _wide(x: Array, multiplier: Array, shift: Array) -> Array:
    factor = np.where(multiplier < 0x7FFF0000, (multiplier + (1 << 15)) >> 16, 0x7FFF)
    right = 15 - shift
    with np.errstate(over="ignore"):
        return (x * factor + (np.int64(1) << (right - 1))) >> right


def _judged(
    x: Array, m: Multipliers, *, dtype: np.dtype, form: FixedPoint
) -> tuple[Array, Array, int]:
    """Return multipliers, shifts and how many elements of a channel follow each other."""
    if x.dtype != form.sums:
        raise ValueError(f"sums are {form.sums}, not {x.dtype}")
    if not all(0 <= n < 2**31 for n in m.multiplier):
        raise ValueError(f"multipliers from 0 to 2^31 - 1, not {m.multiplier}")
    if not all(-31 <= n <= form.most_left for n in m.shift):
        raise ValueError(f"shifts from -31 to {form.most_left}, not {m.shift}")
    if len(m.multiplier) != len(m.shift) or (m.axis is None and len(m.shift) != 1):
        raise ValueError(f"{len(m.multiplier)} multipliers, {len(m.shift)} shifts, axis {m.axis}")
    limits = np.iinfo(dtype)
    if not limits.min <= m.qmin <= m.qmax <= limits.max or not -(2**31) <= m.zero_point < 2**31:
        raise ValueError(f"{m.qmin} to {m.qmax}, zero point {m.zero_point}, in {dtype}")
    inner = inner_size(x.shape, m.axis, count=len(m.shift))
    return np.array(m.multiplier, np.int32), np.array(m.shift, np.int32), inner

"""Between real numbers and whole ones, for one grid or one for each channel; depends on numpy.

Quotients and products are float32, as in every runtime; the zero point is added after rounding.
A whole number beyond qmin and qmax becomes the nearer one; infinities do, too. NaN becomes qmin
where the result is an integer, as MegEngine's and onnxruntime's conversions have it, and stays NaN
in fake quantization, as in MegEngine's. Scales are positive; no result is a negative zero.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mgeconvert.native.channels import (
    NARROW,
    Array,
    Channels,
    Grid,
    Rounding,
    along,
    channels,
    rounded,
)
from mgeconvert.native.extension import NO_NATIVE, _native

__all__ = [
    "quantize",
    "quantize_native",
    "quantize_numpy",
    "fake_quantize",
    "fake_quantize_native",
    "fake_quantize_numpy",
    "dequantize",
    "dequantize_native",
    "dequantize_numpy",
    "requantize",
    "requantize_native",
    "requantize_numpy",
]

REALS: dict[str, type] = {
    **dict.fromkeys(("int8", "uint8", "int16", "uint16"), np.float32),
    "int32": np.float64,
}
"""The whole numbers of the extension module, and what it computes with."""


def quantize(x: Array, grid: Grid, *, dtype: np.dtype, rounding: Rounding) -> Array:
    """Return the whole numbers that stand for x, of any real type, in `dtype`.

    clip(round(float32(x) / scale) + zero_point, qmin, qmax). Raises ValueError when a grid for
    each channel does not fit the shape of x, or qmin and qmax the `dtype`.
    """
    _judge(grid, dtype)
    numbers = _numbers(x, grid, dtype)
    if numbers is None:
        return quantize_numpy(x, grid, dtype=dtype, rounding=rounding)
    return _quantize(x, numbers, dtype=dtype, rounding=rounding)


def quantize_native(x: Array, grid: Grid, *, dtype: np.dtype, rounding: Rounding) -> Array:
    """`quantize` by the extension module; raises TypeError for grids that it has no loop for."""
    _judge(grid, dtype)
    return _quantize(x, _needed(channels_of(x, grid, dtype)), dtype=dtype, rounding=rounding)


def _quantize(x: Array, numbers: Channels, *, dtype: np.dtype, rounding: Rounding) -> Array:
    away = rounding is Rounding.AWAY
    run = _native.quantize_away if away else _native.quantize_even
    return _filled(run, _float32(x), numbers, dtype=dtype)


def quantize_numpy(x: Array, grid: Grid, *, dtype: np.dtype, rounding: Rounding) -> Array:
    """`quantize` by numpy: the definition that the extension module is tested against."""
    with np.errstate(all="ignore"):
        steps = _float32(x) / along(grid.scale, np.float32, grid, x.ndim)
    return _whole(rounded(steps, rounding), grid, dtype=dtype)


def fake_quantize(x: Array, grid: Grid, *, rounding: Rounding) -> Array:
    """Return x rounded to the numbers of `grid`, in the element type of x; NaN stays.

    float32(q - zero_point) * scale with q as `quantize` has it. Raises ValueError as there.
    """
    kind = _kind(grid)
    numbers = None if NO_NATIVE else channels(x.shape, grid, kind=kind)
    if numbers is None:
        return fake_quantize_numpy(x, grid, rounding=rounding)
    return _fake_quantize(x, numbers, rounding=rounding)


def fake_quantize_native(x: Array, grid: Grid, *, rounding: Rounding) -> Array:
    """`fake_quantize` by the extension module; raises TypeError as `quantize_native`."""
    numbers = _needed(channels(x.shape, grid, kind=_kind(grid)))
    return _fake_quantize(x, numbers, rounding=rounding)


def _fake_quantize(x: Array, numbers: Channels, *, rounding: Rounding) -> Array:
    away = rounding is Rounding.AWAY
    run = _native.fake_quantize_away if away else _native.fake_quantize_even
    result = _filled(run, _float32(x), numbers, dtype=np.dtype(np.float32))
    return result.astype(x.dtype, copy=False)


def fake_quantize_numpy(x: Array, grid: Grid, *, rounding: Rounding) -> Array:
    """`fake_quantize` by numpy: the definition that the extension module is tested against."""
    scale = along(grid.scale, np.float32, grid, x.ndim)
    # float64, for float32 cannot tell the last of the 2^32 numbers of a bias apart
    zero = along(grid.zero_point, np.float64, grid, x.ndim)
    with np.errstate(all="ignore"):
        steps = rounded(_float32(x) / scale, rounding).astype(np.float64)
        whole = np.clip(steps + zero, grid.qmin, grid.qmax)
        return ((whole - zero).astype(np.float32) * scale).astype(x.dtype, copy=False)


def dequantize(x: Array, grid: Grid) -> Array:
    """Return the numbers that the whole numbers x stand for, in float32.

    float32(q - zero_point) * scale. Raises ValueError as `quantize`.
    """
    # With one scale the loop gains less than twice.
    numbers = None if len(grid.scale) == 1 else _numbers(x, grid, x.dtype)
    return dequantize_numpy(x, grid) if numbers is None else _dequantize(x, numbers)


def dequantize_native(x: Array, grid: Grid) -> Array:
    """`dequantize` by the extension module; raises TypeError as `quantize_native`."""
    return _dequantize(x, _needed(channels_of(x, grid, x.dtype)))


def _dequantize(x: Array, numbers: Channels) -> Array:
    return _filled(_native.dequantize, x, numbers, dtype=np.dtype(np.float32))


def dequantize_numpy(x: Array, grid: Grid) -> Array:
    """`dequantize` by numpy: the definition that the extension module is tested against."""
    small = (
        x.dtype.itemsize < 4 and x.dtype.kind in "iu" and max(map(abs, grid.zero_point)) < NARROW
    )
    kind = np.float32 if small else np.float64
    steps = np.asarray(x, kind) - along(grid.zero_point, kind, grid, x.ndim)
    steps = np.asarray(steps, np.float32)
    with np.errstate(over="ignore"):
        return np.multiply(steps, along(grid.scale, np.float32, grid, x.ndim), out=steps)


def requantize(x: Array, grid: Grid, *, dtype: np.dtype, rounding: Rounding) -> Array:
    """Return sums of int32 as whole numbers of another grid, in `dtype`.

    clip(round(float32(x) * scale) + zero_point, qmin, qmax): `scale` is the factor, input scale *
    weight scale / output scale for a layer, as onnxruntime (half to even) and MegEngine (half away
    from zero) compute it. Raises ValueError when x is not int32, and as `quantize`.
    """
    _judge(grid, dtype)
    numbers = _numbers(x, grid, dtype)
    if numbers is None:
        return requantize_numpy(x, grid, dtype=dtype, rounding=rounding)
    return _requantize(x, numbers, dtype=dtype, rounding=rounding)


def requantize_native(x: Array, grid: Grid, *, dtype: np.dtype, rounding: Rounding) -> Array:
    """`requantize` by the extension module; raises TypeError as `quantize_native`."""
    _judge(grid, dtype)
    return _requantize(x, _needed(channels_of(x, grid, dtype)), dtype=dtype, rounding=rounding)


def _requantize(x: Array, numbers: Channels, *, dtype: np.dtype, rounding: Rounding) -> Array:
    away = rounding is Rounding.AWAY
    run = _native.requantize_away if away else _native.requantize_even
    return _filled(run, _int32(x), numbers, dtype=dtype)


def requantize_numpy(x: Array, grid: Grid, *, dtype: np.dtype, rounding: Rounding) -> Array:
    """`requantize` by numpy: the definition that the extension module is tested against."""
    with np.errstate(all="ignore"):
        steps = _int32(x).astype(np.float32) * along(grid.scale, np.float32, grid, x.ndim)
    return _whole(rounded(steps, rounding), grid, dtype=dtype)


def channels_of(x: Array, grid: Grid, dtype: np.dtype) -> Channels | None:
    """Return the numbers of `grid` where the extension module has a loop for them, else None."""
    kind = REALS.get(dtype.name) if dtype.isnative else None
    return None if kind is None else channels(x.shape, grid, kind=kind)


def _numbers(x: Array, grid: Grid, dtype: np.dtype) -> Channels | None:
    return None if NO_NATIVE else channels_of(x, grid, dtype)


def _needed(numbers: Channels | None) -> Channels:
    if numbers is None:
        raise TypeError("the extension module has no loop for this element type and grid")
    return numbers


def _kind(grid: Grid) -> type:
    return np.float32 if max(abs(grid.qmin), abs(grid.qmax)) < 2**17 else np.float64


def _filled(run: Callable[..., None], x: Array, numbers: Channels, *, dtype: np.dtype) -> Array:
    """Return a new array of the shape of x, filled by `run`."""
    result = np.empty(x.shape, dtype)
    run(np.ascontiguousarray(x), result, *numbers.arguments)
    return result


def _float32(x: Array) -> Array:
    with np.errstate(all="ignore"):
        return x.astype(np.float32, copy=False)


def _int32(x: Array) -> Array:
    if x.dtype != np.int32:
        raise ValueError(f"sums are int32, not {x.dtype}")
    return x.astype(np.int32, copy=False)


def _judge(grid: Grid, dtype: np.dtype) -> None:
    limits = np.iinfo(dtype)
    if not limits.min <= grid.qmin <= grid.qmax <= limits.max:
        raise ValueError(f"{grid.qmin} to {grid.qmax} do not fit {dtype}")


def _whole(steps: Array, grid: Grid, *, dtype: np.dtype) -> Array:
    """Return rounded float32 numbers as whole ones of `grid`."""
    _judge(grid, dtype)
    # float64, for float32 cannot tell the last of the 2^32 numbers of a bias apart
    with np.errstate(invalid="ignore"):
        whole = steps.astype(np.float64) + along(grid.zero_point, np.float64, grid, steps.ndim)
    whole = np.where(np.isnan(whole), grid.qmin, whole)
    return np.clip(whole, grid.qmin, grid.qmax).astype(dtype)

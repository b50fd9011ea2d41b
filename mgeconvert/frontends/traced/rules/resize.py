"""Resampling of images to another size."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import DType, Value, ops
from mgeconvert.ir.dims import Dim, Shape

MODES = {
    "nearest": ("nearest", "asymmetric"),
    "bilinear": ("linear", "half_pixel"),
    "linear": ("linear", "half_pixel"),
    "trilinear": ("linear", "half_pixel"),
    "bicubic": ("cubic", "half_pixel"),
}
LARGEST_DENOMINATOR = 64  # of a scale factor by which a symbolic size is multiplied


@RULES("function:vision.interpolate")
def interpolate(
    c: Call,
    inp: Value,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "bilinear",
    align_corners: bool | None = None,
) -> Value:
    """Scale factors decide the size only: places follow from the sizes before and after."""
    kind = mode.lower()
    if kind not in MODES:
        raise UnsupportedCase(f"interpolate with mode {mode!r}")
    spatial = {"linear": 1, "trilinear": 3}.get(kind, 2)
    if inp.type.rank != spatial + 2:
        raise UnsupportedCase(f"interpolate of {inp.type} with mode {mode!r}")
    target = _sizes(c, inp, spatial, size, scale_factor)
    method, coordinates = MODES[kind]
    if align_corners:
        coordinates = "align_corners"
        if kind != "trilinear" and 1 in target:
            raise UnsupportedCase(
                "align_corners with one row or column, where MegEngine divides by zero"
            )
    x = _resampled_type(c, inp, method, coordinates)
    return c.emit(ops.Resize(size=target, mode=method, coordinates=coordinates), x)


def _resampled_type(c: Call, x: Value, method: str, coordinates: str) -> Value:
    dtype = x.type.dtype
    if dtype.is_float:
        return c.cast(x, DType.F32)
    if dtype in (DType.I8, DType.U8) and method == "nearest":
        return x
    raise UnsupportedCase(
        f"{method} interpolation of {dtype.value}, which MegEngine computes in fixed point",
        hint="convert it to float32 first",
    )


def _sizes(c: Call, x: Value, spatial: int, size: Any, scale_factor: Any) -> Shape:
    if size is not None:
        given = c.shape(size)
        if isinstance(size, int) and spatial > 1:
            given = (size, *(1,) * (spatial - 1))
    elif scale_factor is not None:
        several = isinstance(scale_factor, (list, tuple))
        factors = list(scale_factor) if several else [scale_factor] * spatial
        given = tuple(_scaled(d, f) for d, f in zip(x.type.shape[2:], factors, strict=True))
    else:
        raise UnsupportedCase("interpolate without size and scale_factor")
    if len(given) != spatial:
        raise UnsupportedCase(f"the size {size} for {spatial} axes")
    return given


def _scaled(size: Dim, factor: Any) -> Dim:
    """Return floor(size * factor), computed in float32 as MegEngine does."""
    if not isinstance(factor, (int, float)):
        raise UnsupportedCase("a scale_factor that is computed", hint="give the size instead")
    if isinstance(size, int):
        return int(np.floor(np.float32(size * float(factor))))
    exact = Fraction(factor)
    if exact.denominator > LARGEST_DENOMINATOR:
        raise UnsupportedCase(
            f"the symbolic size {size} times {factor}", hint="give the input a fixed shape"
        )
    return size * exact.numerator // exact.denominator

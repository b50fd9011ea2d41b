"""Images read at computed places: remap, affine and perspective warps."""

from __future__ import annotations

from typing import Any

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import DType, Value, ops
from mgeconvert.ir.ops.sampling import BORDERS
from mgeconvert.ir.warps import (
    FRACTION,
    SCALE,
    affine_places,
    fixed_affine_places,
    fixed_perspective_places,
    in_fixed_point,
    perspective_places,
)


@RULES("function:vision.remap")
def remap(
    c: Call,
    inp: Value,
    map_xy: Value,
    border_mode: Any = "replicate",
    scalar: float = 0.0,
    interp_mode: Any = "linear",
) -> Value:
    return _read(c, inp, map_xy, (border_mode, scalar), interp_mode)


def _read(c: Call, x: Value, places: Value, border: tuple[Any, float], mode: Any) -> Value:
    name, kind = (str(getattr(m, "name", m)).lower() for m in (border[0], mode))
    if name not in BORDERS or kind not in ("linear", "nearest"):
        raise UnsupportedCase(f"reading an image with the border {name!r} in mode {kind!r}")
    if not x.type.dtype.is_float:
        raise UnsupportedCase(
            f"reading an image of {x.type.dtype.value}, which MegEngine does in fixed point",
            hint="convert it to float32 first",
        )
    op = ops.Remap(mode=kind, border=name, value=float(border[1]) if name == "constant" else 0.0)
    return c.emit(op, x, c.cast(places, x.type.dtype))


@RULES("function:vision.warp_affine")
def warp_affine(
    c: Call,
    inp: Value,
    mat: Value,
    out_shape: Any,
    border_mode: Any = "replicate",
    border_val: float = 0.0,
    format: Any = "NHWC",
    interp_mode: Any = "linear",
) -> Value:
    height, width = c.pair(out_shape)
    size, border = (height, width), (border_mode, border_val)
    if _is_nchw(format):
        return _read(c, inp, affine_places(c, mat, size), border, interp_mode)
    nearest = _is_nearest(interp_mode)
    if in_fixed_point(inp, nearest=nearest):
        places = fixed_affine_places(c, mat, size, step=SCALE if nearest else SCALE // FRACTION)
    else:
        places = affine_places(c, mat, size)
    x = c.transpose(inp, (0, 3, 1, 2))
    return c.transpose(_read(c, x, places, border, interp_mode), (0, 2, 3, 1))


def _is_nchw(format: Any) -> bool:
    name = str(getattr(format, "name", format)).upper()
    if name not in ("NCHW", "NHWC"):
        raise UnsupportedCase(f"images of the format {name}")
    return name == "NCHW"


def _is_nearest(mode: Any) -> bool:
    return str(getattr(mode, "name", mode)).lower() == "nearest"


@RULES("function:vision.warp_perspective")
def warp_perspective(
    c: Call,
    inp: Value,
    mat: Value,
    out_shape: Any,
    mat_idx: Any = None,
    border_mode: Any = "replicate",
    border_val: float = 0.0,
    format: Any = "NCHW",
    interp_mode: Any = "linear",
) -> Value:
    """`mat_idx` names the image that each matrix is for."""
    (height, width), planar = c.pair(out_shape), _is_nchw(format)
    fixed = not planar and in_fixed_point(inp, nearest=_is_nearest(interp_mode))
    x = c.cast(inp, DType.F32) if inp.type.dtype is DType.F16 else inp
    x = x if planar else c.transpose(x, (0, 3, 1, 2))
    if mat_idx is not None:
        x = c.emit(ops.Gather(axis=0), x, c.cast(c.value(mat_idx), DType.I32))
    compute = fixed_perspective_places if fixed else perspective_places
    places = compute(c, mat, (height, width))
    y = _read(c, x, places, (border_mode, border_val), interp_mode)
    return y if planar else c.transpose(y, (0, 2, 3, 1))

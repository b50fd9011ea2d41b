"""Images read at computed places: remap, affine and perspective warps."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import DType, Value, ops
from mgeconvert.ir.ops.sampling import BORDERS

FRACTION = 32  # places between two pixels that MegEngine tells apart in the format NHWC
SCALE = 1024  # of the fixed-point numbers by which it computes affine places there


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


def _grid(c: Call, size: tuple[int, ...]) -> Value:
    """Return the places (3, H * W) of all pixels as columns (column, row, 1)."""
    rows, columns = np.indices(size, np.float32)
    places = np.stack([columns, rows, np.ones_like(rows)]).reshape(3, -1)
    return c.constant(places, f"{c.name}.grid")


def _last(c: Call, places: Value, size: tuple[int, ...]) -> Value:
    """Return places (N, 2, H * W) as (N, H, W, 2)."""
    turned = c.transpose(places, (0, 2, 1))
    return c.reshape(turned, (places.type.shape[0], *size, 2))


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
    size = c.pair(out_shape)
    border = (border_mode, border_val)
    if _is_nchw(format):
        places = c.emit(ops.MatMul(), c.cast(mat, DType.F32), _grid(c, size))
        return _read(c, inp, _last(c, places, size), border, interp_mode)
    places = _fixed_point(c, mat, size, whole=str(interp_mode).lower() == "nearest")
    x = c.transpose(inp, (0, 3, 1, 2))
    return c.transpose(_read(c, x, places, border, interp_mode), (0, 2, 3, 1))


def _is_nchw(format: Any) -> bool:
    name = str(getattr(format, "name", format)).upper()
    if name not in ("NCHW", "NHWC"):
        raise UnsupportedCase(f"images of the format {name}")
    return name == "NCHW"


def _fixed_point(c: Call, mat: Value, size: tuple[int, ...], *, whole: bool) -> Value:
    """Return places as MegEngine computes them for NHWC: in 1/1024, then cut to 1/32 or to 1.

    Each place is floor((round(1024 a x) + round(1024 (b y + c)) + half a step) / step).
    """
    step = SCALE if whole else SCALE // FRACTION
    wide = c.emit(ops.Mul(), c.cast(mat, DType.F64), c.scalar(SCALE, DType.F64))
    rows, columns = np.indices(size, np.float64).reshape(2, -1)
    along = c.emit(ops.Mul(), c.slice(wide, [None, None, (0, 1, 1)]), c.constant(columns))
    down = c.emit(ops.Mul(), c.slice(wide, [None, None, (1, 2, 1)]), c.constant(rows))
    down = c.emit(ops.Add(), down, c.slice(wide, [None, None, (2, 3, 1)]))
    total = c.emit(ops.Add(), *(c.emit(ops.Round(half="even"), part) for part in (along, down)))
    total = c.emit(ops.Add(), total, c.scalar(step // 2, DType.F64))
    cut = c.emit(ops.Floor(), c.emit(ops.Mul(), total, c.scalar(1 / step, DType.F64)))
    if not whole:
        cut = c.emit(ops.Mul(), cut, c.scalar(1 / FRACTION, DType.F64))
    return _last(c, c.cast(cut, DType.F32), size)


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
    size, planar = c.pair(out_shape), _is_nchw(format)
    x = c.cast(inp, DType.F32) if inp.type.dtype is DType.F16 else inp
    x = x if planar else c.transpose(x, (0, 3, 1, 2))
    if mat_idx is not None:
        x = c.emit(ops.Gather(axis=0), x, c.cast(c.value(mat_idx), DType.I32))
    dtype = DType.F32 if planar else DType.F64
    grid = c.cast(_grid(c, size), dtype)
    places = c.emit(ops.MatMul(), c.cast(mat, dtype), grid)
    far = c.slice(places, [None, (2, 3, 1), None])
    places = c.emit(ops.Div(), c.slice(places, [None, (0, 2, 1), None]), far)
    if not planar:
        steps = c.emit(ops.Mul(), places, c.scalar(FRACTION, dtype))
        steps = c.emit(ops.Round(half="even"), steps)
        places = c.cast(c.emit(ops.Mul(), steps, c.scalar(1 / FRACTION, dtype)), DType.F32)
    y = _read(c, x, _last(c, places, size), (border_mode, border_val), interp_mode)
    return y if planar else c.transpose(y, (0, 2, 3, 1))

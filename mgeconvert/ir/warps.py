"""Images read where an affine or perspective matrix says, as MegEngine computes the places."""

from __future__ import annotations

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import ops
from mgeconvert.ir.builder import Builder
from mgeconvert.ir.graph import Value
from mgeconvert.ir.types import DType

FRACTION = 32  # places between two pixels that MegEngine tells apart where channels come last
SCALE = 1024  # of the fixed-point numbers by which it computes affine places there
FIXED_CHANNELS = (1, 2, 3)  # with more of them its kernels compute places in float32

Size = tuple[int, int]


def in_fixed_point(x: Value, *, nearest: bool) -> bool:
    """Return whether MegEngine reads the NHWC image at places of limited fineness.

    Raises UnsupportedCase for the nearest pixel of images that it does not read that way.
    """
    fixed = x.type.shape[-1] in FIXED_CHANNELS
    if nearest and not fixed:
        raise UnsupportedCase(
            f"the nearest pixels of an image of {x.type.shape[-1]} channels, which come last; "
            "MegEngine has it for 1 to 3"
        )
    return fixed


def affine_places(b: Builder, matrix: Value, size: Size) -> Value:
    """Return the places (N, H, W, 2) in an NCHW image for matrices (N, 2, 3)."""
    return _last(b, b.emit(ops.MatMul(), b.cast(matrix, DType.F32), _grid(b, size)), size)


def fixed_affine_places(b: Builder, matrix: Value, size: Size, *, step: int) -> Value:
    """Return places as MegEngine computes them for NHWC: in 1/1024, then cut to whole steps.

    Each place is floor((round(1024 a x) + round(1024 (b y + c)) + half a step) / step) steps;
    `step` is 1024 for whole pixels, 32 for 1/32.
    """
    wide = b.emit(ops.Mul(), b.cast(matrix, DType.F64), b.scalar(SCALE, DType.F64))
    rows, columns = np.indices(size, np.float64).reshape(2, -1)
    along = b.emit(ops.Mul(), b.slice(wide, [None, None, (0, 1, 1)]), b.constant(columns))
    down = b.emit(ops.Mul(), b.slice(wide, [None, None, (1, 2, 1)]), b.constant(rows))
    down = b.emit(ops.Add(), down, b.slice(wide, [None, None, (2, 3, 1)]))
    total = b.emit(ops.Add(), *(b.emit(ops.Round(half="even"), part) for part in (along, down)))
    total = b.emit(ops.Add(), total, b.scalar(step // 2, DType.F64))
    cut = b.emit(ops.Floor(), b.emit(ops.Mul(), total, b.scalar(1 / step, DType.F64)))
    if step != SCALE:
        cut = b.emit(ops.Mul(), cut, b.scalar(step / SCALE, DType.F64))
    return _last(b, b.cast(cut, DType.F32), size)


def perspective_places(b: Builder, matrix: Value, size: Size) -> Value:
    """Return the places (N, H, W, 2) in an NCHW image for matrices (N, 3, 3)."""
    return _last(b, _projected(b, matrix, size, DType.F32), size)


def fixed_perspective_places(b: Builder, matrix: Value, size: Size) -> Value:
    """Return places as MegEngine computes them for NHWC: rounded to 1/32 of a pixel."""
    places = _projected(b, matrix, size, DType.F64)
    steps = b.emit(ops.Mul(), places, b.scalar(FRACTION, DType.F64))
    whole = b.emit(ops.Round(half="even"), steps)
    cut = b.emit(ops.Mul(), whole, b.scalar(1 / FRACTION, DType.F64))
    return _last(b, b.cast(cut, DType.F32), size)


def _projected(b: Builder, matrix: Value, size: Size, dtype: DType) -> Value:
    places = b.emit(ops.MatMul(), b.cast(matrix, dtype), b.cast(_grid(b, size), dtype))
    far = b.slice(places, [None, (2, 3, 1), None])
    return b.emit(ops.Div(), b.slice(places, [None, (0, 2, 1), None]), far)


def _grid(b: Builder, size: Size) -> Value:
    """Return the places (3, H * W) of all pixels as columns (column, row, 1)."""
    rows, columns = np.indices(size, np.float32)
    places = np.stack([columns, rows, np.ones_like(rows)]).reshape(3, -1)
    return b.constant(places, f"{b.name}.grid")


def _last(b: Builder, places: Value, size: Size) -> Value:
    """Return places (N, 2, H * W) as (N, H, W, 2)."""
    turned = b.transpose(places, (0, 2, 1))
    return b.reshape(turned, (places.type.shape[0], *size, 2))

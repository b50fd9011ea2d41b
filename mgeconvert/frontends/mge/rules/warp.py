"""Images read at computed places: remap, affine and perspective warps."""

from __future__ import annotations

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.call import Call
from mgeconvert.frontends.mge.layout import LAYOUTS
from mgeconvert.frontends.mge.rules.conv import on_image
from mgeconvert.frontends.mge.rules.resize import resized, size_of
from mgeconvert.frontends.mge.rules.table import RULES
from mgeconvert.ir import DType, Value, ops
from mgeconvert.ir.op import Array
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

MODES = {"LINEAR": "linear", "INTER_LINEAR": "linear", "NEAREST": "nearest"}


@RULES("Remap")
def remap(c: Call, x: Value, places: Value) -> Value:
    c.need("format", "NCHW")
    return _read(c, x, places, str(c.setting("border_type")), float(c.setting("scalar")))


def _read(c: Call, x: Value, places: Value, border: str, value: float) -> Value:
    name, mode = border.lower(), MODES[c.need("imode", *MODES)]
    if name not in BORDERS:
        raise UnsupportedCase(f"reading an image with the border {name!r}")
    if not x.type.dtype.is_float:
        raise UnsupportedCase(
            f"reading an image of {x.type.dtype.value}, which MegEngine does in fixed point",
            hint="convert it to float32 first",
        )
    op = ops.Remap(mode=mode, border=name, value=value if name == "constant" else 0.0)
    return c.emit(op, x, c.cast(places, x.type.dtype))


def _last_channels(c: Call) -> bool:
    return bool(c.need("format", "NCHW", "NHWC", *LAYOUTS) == "NHWC")


@RULES("WarpAffine")
def warp_affine(c: Call, x: Value, matrix: Value, out: Value) -> Value:
    border, value = str(c.setting("border_mode")), float(c.setting("border_val"))
    size = _plane(c, out)
    if not _last_channels(c):
        places = affine_places(c, matrix, size)
        return on_image(c, lambda image: _read(c, image, places, border, value), x)
    nearest = c.setting("imode") == "NEAREST"
    if in_fixed_point(x, nearest=nearest):
        step = SCALE if nearest else SCALE // FRACTION
        places = fixed_affine_places(c, matrix, size, step=step)
    else:
        places = affine_places(c, matrix, size)
    y = _read(c, c.transpose(x, (0, 3, 1, 2)), places, border, value)
    return c.transpose(y, (0, 2, 3, 1))


@RULES("WarpPerspective")
def warp_perspective(c: Call, x: Value, matrix: Value, *operands: Value) -> Value:
    """A third operand names the image that each matrix is for; the last one is the size.

    Where the matrix does nothing but scale by the corners, this is interpolate(align_corners).
    """
    return on_image(c, lambda image: _perspective(c, image, matrix, *operands), x)


def _perspective(c: Call, x: Value, matrix: Value, *operands: Value) -> Value:
    *chosen, out = operands
    size, last = size_of(c, out), _last_channels(c)
    border, value = str(c.setting("bmode")), float(c.setting("border_val"))
    linear = MODES[c.need("imode", *MODES)] == "linear"
    if linear and border == "REPLICATE" and not chosen and not last:
        factors = _factors(_matrix(matrix))
        sizes = zip(x.type.shape[2:], size)
        if factors and all(_is_aligned(n, m, f) for (n, m), f in zip(sizes, factors)):
            return resized(c, x, size, "linear", "align_corners")
    image = c.cast(x, DType.F32) if x.type.dtype is DType.F16 else x
    image = c.transpose(image, (0, 3, 1, 2)) if last else image
    if chosen:
        image = c.emit(ops.Gather(axis=0), image, c.cast(chosen[0], DType.I32))
    fixed = last and in_fixed_point(x, nearest=not linear)
    compute = fixed_perspective_places if fixed else perspective_places
    y = _read(c, image, compute(c, matrix, _plane(c, out)), border, value)
    y = c.cast(y, x.type.dtype)  # dumps with ioc16 warp float16
    return c.transpose(y, (0, 2, 3, 1)) if last else y


def _plane(c: Call, out: Value) -> tuple[int, int]:
    size = tuple(d for d in size_of(c, out) if isinstance(d, int))
    if len(size) != 2:
        raise UnsupportedCase("a warp to a symbolic size", hint="give the input a fixed shape")
    return size[0], size[1]


def _matrix(matrix: Value) -> Array | None:
    """Return the one 3 x 3 matrix of all images of a batch; None where it is not known."""
    value = matrix
    while value.const is None:
        node = value.producer
        if node is None or not isinstance(node.op, ops.Expand):
            return None
        value = node.inputs[0]
    matrices = value.const.reshape(-1, 3, 3)
    return matrices[0] if (matrices == matrices[0]).all() else None


def _factors(matrix: Array | None) -> tuple[float, float] | None:
    """Return the factors of height and width of a matrix that does nothing but scale."""
    if matrix is None:
        return None
    rest = matrix[~np.eye(3, dtype=bool)]
    return None if rest.any() or matrix[2, 2] != 1 else (float(matrix[1, 1]), float(matrix[0, 0]))


def _is_aligned(before: object, after: object, factor: float) -> bool:
    if not isinstance(before, int) or not isinstance(after, int):
        return False
    if before == 1 or after == 1:  # there is no other place than 0
        return True
    return abs(factor - (before - 1) / (after - 1)) < 1e-5

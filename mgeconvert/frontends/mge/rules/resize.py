"""Resampling of images."""

from __future__ import annotations

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.call import Call
from mgeconvert.frontends.mge.rules.table import RULES
from mgeconvert.ir import DType, Value, ops
from mgeconvert.ir.dims import Shape
from mgeconvert.ir.op import Array

RESIZE = {
    "NEAREST": ("nearest", "asymmetric"),
    "LINEAR": ("linear", "half_pixel"),
    "INTER_LINEAR": ("linear", "half_pixel"),
    "CUBIC": ("cubic", "half_pixel"),
}


@RULES("Resize", limits="modes area and Lanczos")
def resize(c: Call, x: Value, size: Value) -> Value:
    method, coordinates = RESIZE[c.need("imode", *RESIZE)]
    if c.need("format", "NCHW", "NHWC") == "NHWC":
        image = c.transpose(x, (0, 3, 1, 2))
        return c.transpose(_resized(c, image, size, method, coordinates), (0, 2, 3, 1))
    return _resized(c, x, size, method, coordinates)


@RULES("Resize3D")
def resize_3d(c: Call, x: Value, size: Value) -> Value:
    c.need("imode", "LINEAR")
    c.need("format", "NCDHW")
    return _resized(
        c, x, size, "linear", "align_corners" if c.setting("align_corners") else "half_pixel"
    )


def _resized(c: Call, x: Value, size: Value, method: str, coordinates: str) -> Value:
    dtype = x.type.dtype
    if not dtype.is_float and not (method == "nearest" and dtype in (DType.I8, DType.U8)):
        raise UnsupportedCase(
            f"{method} interpolation of {dtype.value}, which MegEngine computes in fixed point",
            hint="convert it to float32 first",
        )
    op = ops.Resize(size=_size(c, size), mode=method, coordinates=coordinates)
    return c.emit(op, x)


def _size(c: Call, size: Value) -> Shape:
    """Return a size, which MegEngine may have computed in float32."""
    if size.type.dtype.is_float and size.const is not None:
        return tuple(int(n) for n in size.const.reshape(-1))
    return c.known_dims(size)


@RULES("WarpPerspective", limits="only where the matrix is that of interpolate with align_corners")
def warp_perspective(c: Call, x: Value, matrix: Value, *operands: Value) -> Value:
    """MegEngine warps where it resizes with align_corners: by a constant matrix of two factors."""
    factors = _factors(_matrix(matrix))
    size = _size(c, operands[-1])
    if factors is None or len(operands) != 1 or c.setting("format") != "NCHW":
        raise UnsupportedCase("a perspective warp has no counterpart in the IR")
    c.need("imode", "LINEAR")
    c.need("bmode", "REPLICATE")
    if not all(_is_aligned(n, m, f) for n, m, f in zip(x.type.shape[2:], size, factors)):
        raise UnsupportedCase("a perspective warp that scales by other than the corners")
    return _resized(c, x, operands[-1], "linear", "align_corners")


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
    rest = matrix * (1 - np.eye(3, dtype=matrix.dtype))
    return None if rest.any() or matrix[2, 2] != 1 else (float(matrix[1, 1]), float(matrix[0, 0]))


def _is_aligned(before: object, after: object, factor: float) -> bool:
    if not isinstance(before, int) or not isinstance(after, int) or after < 2:
        return False
    return abs(factor - (before - 1) / (after - 1)) < 1e-5

"""Resampling of images."""

from __future__ import annotations

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.call import Call
from mgeconvert.frontends.mge.layout import LAYOUTS
from mgeconvert.frontends.mge.rules.conv import on_image
from mgeconvert.frontends.mge.rules.table import RULES
from mgeconvert.ir import DType, Value, ops
from mgeconvert.ir.dims import Shape

RESIZE = {
    "NEAREST": ("nearest", "asymmetric"),
    "LINEAR": ("linear", "half_pixel"),
    "INTER_LINEAR": ("linear", "half_pixel"),
    "CUBIC": ("cubic", "half_pixel"),
}


@RULES("Resize", limits="modes area and Lanczos")
def resize(c: Call, x: Value, size: Value) -> Value:
    method, coordinates = RESIZE[c.need("imode", *RESIZE)]
    target = size_of(c, size)
    if c.need("format", "NCHW", "NHWC", *LAYOUTS) != "NHWC":
        return on_image(c, lambda image: resized(c, image, target, method, coordinates), x)
    image = c.transpose(x, (0, 3, 1, 2))
    return c.transpose(resized(c, image, target, method, coordinates), (0, 2, 3, 1))


@RULES("Resize3D")
def resize_3d(c: Call, x: Value, size: Value) -> Value:
    c.need("imode", "LINEAR")
    c.need("format", "NCDHW")
    coordinates = "align_corners" if c.setting("align_corners") else "half_pixel"
    return resized(c, x, size_of(c, size), "linear", coordinates)


def resized(c: Call, x: Value, size: Shape, method: str, coordinates: str) -> Value:
    """Resample an NCHW image; what MegEngine does in fixed point is refused."""
    dtype = x.type.dtype
    if not dtype.is_float and not (method == "nearest" and dtype in (DType.I8, DType.U8)):
        raise UnsupportedCase(
            f"{method} interpolation of {dtype.value}, which MegEngine computes in fixed point",
            hint="convert it to float32 first",
        )
    return c.emit(ops.Resize(size=size, mode=method, coordinates=coordinates), x)


def size_of(c: Call, size: Value) -> Shape:
    """Return a size, which MegEngine may have computed in float32."""
    if size.type.dtype.is_float and size.const is not None:
        return tuple(int(n) for n in size.const.reshape(-1))
    return c.known_dims(size)

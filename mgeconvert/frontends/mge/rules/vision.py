"""Regions of interest, colours and deformable convolution."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.call import Call
from mgeconvert.frontends.mge.rules.conv import filters, spatial, wide
from mgeconvert.frontends.mge.rules.table import RULES
from mgeconvert.ir import DType, Value, ops

_Y = np.array([0.114, 0.587, 0.299])
_U, _V = 0.492 * (np.array([1, 0, 0]) - _Y), 0.877 * (np.array([0, 0, 1]) - _Y)
COLOURS: dict[str, tuple[Any, Any]] = {
    "RGB2GRAY": (_Y[None, ::-1], [0]),
    "BGR2GRAY": (_Y[None], [0]),
    "GRAY2RGB": (np.ones((3, 1)), [0, 0, 0]),
    "RGB2YUV": (np.stack([_Y, _U, _V]), [0, 0.5, 0.5]),
    "YUV2RGB": ([[1, 2.032, 0], [1, -0.395, -0.581], [1, 0, 1.14]], [-1.016, 0.488, -0.57]),
}
"""By mode: matrix and offset of a pixel's colours, as MegEngine computes them in float32."""


@RULES("CvtColor", limits="float32, and five of the modes")
def cvt_color(c: Call, x: Value) -> Value:
    name = str(c.setting("mode"))
    if name not in COLOURS or x.type.dtype is not DType.F32:
        raise UnsupportedCase(
            f"the change of colours {name} of {x.type.dtype.value}",
            hint=f"float32 images have the modes {', '.join(COLOURS)}",
        )
    matrix, offset = (np.array(part, np.float32) for part in COLOURS[name])
    operands = [x, c.constant(np.ascontiguousarray(matrix), f"{c.name}.matrix")]
    if offset.any():
        operands.append(c.constant(offset, f"{c.name}.offset"))
    return c.emit(ops.Linear(), *operands)


@RULES("ROIAlign")
def roi_align(c: Call, x: Value, rois: Value) -> tuple[Value, None]:
    c.need("format", "NCHW")
    height, width = c.settings("pooled_height", "pooled_width")
    rows, columns = c.settings("sample_height", "sample_width")
    kinds = {"AVERAGE": "average", "MAX_": "max"}
    op = ops.RoiAlign(
        size=(height, width),
        samples=(rows, columns),
        scale=float(c.setting("spatial_scale")),
        offset=float(c.setting("offset")),
        mode=kinds[c.need("mode", *kinds)],
    )
    return c.emit(op, x, c.cast(rois, x.type.dtype)), None


@RULES("ROIPooling", limits="the mode max")
def roi_pooling(c: Call, x: Value, rois: Value, size: Value) -> tuple[Value, None]:
    c.need("mode", "MAX_")
    height, width = c.numbers(size)
    op = ops.RoiPool(size=(height, width), scale=float(c.setting("scale")))
    return c.emit(op, x, c.cast(rois, x.type.dtype)), None


@RULES("DeformableConvForward")
def deformable_conv(c: Call, x: Value, w: Value, offset: Value, mask: Value) -> Value:
    c.need("mode", "CROSS_CORRELATION")
    plain, groups = filters(c, x, w, 4)
    (down, across), (high, wide_) = spatial(c, "stride"), spatial(c, "dilate")
    op = ops.DeformConv(
        stride=(down, across),
        padding=tuple((p, p) for p in spatial(c, "pad")),
        dilation=(high, wide_),
        groups=groups,
    )
    return c.cast(c.emit(op, *wide(c, x, plain, offset, mask)), x.type.dtype)

"""Regions of interest, colours and deformable convolution."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.conv import (
    merged,
    need_cross_correlation,
    split_bias,
)
from mgeconvert.frontends.traced.rules.promotion import as_float
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import DType, Value, ops
from mgeconvert.ir.dims import symbol

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


@RULES("function:vision.cvt_color")
def cvt_color(c: Call, inp: Value, mode: Any = "") -> Value:
    name = str(getattr(mode, "name", mode)).upper()
    if name not in COLOURS or inp.type.dtype is not DType.F32:
        raise UnsupportedCase(
            f"cvt_color {name} of {inp.type.dtype.value}",
            hint=f"float32 images have the modes {', '.join(COLOURS)}",
        )
    matrix, offset = (np.array(part, np.float32) for part in COLOURS[name])
    operands = [inp, c.constant(np.ascontiguousarray(matrix), f"{c.name}.matrix")]
    if offset.any():
        operands.append(c.constant(offset, f"{c.name}.offset"))
    return c.emit(ops.Linear(), *operands)


@RULES("function:vision.roi_align")
def roi_align(
    c: Call,
    inp: Value,
    rois: Value,
    output_shape: Any,
    mode: str = "average",
    spatial_scale: float = 1.0,
    sample_points: Any = 2,
    aligned: bool = True,
) -> Value:
    kind = mode.lower()
    if kind not in ("average", "max"):
        raise UnsupportedCase(f"roi_align of mode {mode!r}")
    size, samples = c.pair(output_shape), c.pair(sample_points)
    op = ops.RoiAlign(
        size=(size[0], size[1]),
        samples=(samples[0], samples[1]),
        scale=float(spatial_scale),
        offset=0.5 if aligned else 0.0,
        mode=kind,
    )
    return c.emit(op, c.cast(inp, DType.F32), c.cast(rois, DType.F32))


@RULES("function:vision.roi_pooling")
def roi_pooling(
    c: Call,
    inp: Value,
    rois: Value,
    output_shape: Any,
    mode: str = "max",
    scale: float = 1.0,
) -> Value:
    if mode.lower() != "max":
        raise UnsupportedCase(f"roi_pooling of mode {mode!r}", hint="use the mode max")
    size = c.pair(output_shape)
    op = ops.RoiPool(size=(size[0], size[1]), scale=float(scale))
    return c.emit(op, as_float(c, inp), c.cast(rois, as_float(c, inp).type.dtype))


@RULES("function:nn.deformable_conv2d")
def deformable_conv2d(
    c: Call,
    inp: Value,
    weight: Value,
    offset: Value,
    mask: Value,
    bias: Value | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    conv_mode: Any = "cross_correlation",
    compute_mode: Any = "default",
) -> Value:
    need_cross_correlation(conv_mode)
    steps, reach, pads = c.pair(stride), c.pair(dilation), c.pair(padding)
    filters = merged(c, weight, inp.type.rank)
    own, added = split_bias(c, bias, filters.type.shape[0], 4)
    op = ops.DeformConv(
        stride=(steps[0], steps[1]),
        padding=tuple((p, p) for p in pads),
        dilation=(reach[0], reach[1]),
        groups=groups,
    )
    operands = (inp, filters, offset, mask, *own)
    y = c.emit(op, *(c.cast(x, inp.type.dtype) for x in operands))
    return c.emit(ops.Add(), y, c.cast(added[0], y.type.dtype)) if added else y


@RULES("module:DeformableConv2d")
def deformable_conv2d_module(c: Call, inp: Value, offset: Value, mask: Value) -> Value:
    return deformable_conv2d(
        c,
        inp,
        c.required("weight"),
        offset,
        mask,
        c.attribute("bias"),
        c.setting("stride"),
        c.setting("padding"),
        c.setting("dilation"),
        c.setting("groups"),
    )


@RULES("function:vision.nms", limits="of equal scores the first box comes first, unlike MegEngine")
def nms(c: Call, boxes: Value, scores: Value, iou_thresh: float, max_output: Any = None) -> Value:
    """The number of boxes kept is a dimension of its own, known at run time only."""
    operands = (c.cast(as_float(c, x), DType.F32) for x in (boxes, scores))
    count = len(c.graph)  # a name that no other operator has
    op = ops.NonMaxSuppression(
        threshold=float(iou_thresh),
        limit=None if max_output is None else c.numbers(max_output)[0],
        kept=symbol(f"kept_{count}"),
    )
    return c.cast(c.emit(op, *operands), DType.I32)

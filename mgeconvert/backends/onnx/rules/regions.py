"""Regions of interest, and deformable convolution."""

from __future__ import annotations

import numpy as np

from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.backends.onnx.rules.conv import ends
from mgeconvert.backends.onnx.rules.sampling import emit_ring
from mgeconvert.backends.onnx.rules.table import RULES
from mgeconvert.backends.onnx.rules.typed import carrier, cast, cast_from
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import DType, Node, ops

LAST_ROI_POOL = 21


@RULES(ops.RoiAlign, since=16)
def roi_align(e: Emitter, node: Node[ops.RoiAlign]) -> str:
    """RoiAlign repeats the border where the IR has zeros: with a ring of zeros they agree.

    Its "max" is not the maximum of samples, so that they are read one by one and pooled.
    """
    op, dtype = node.op, node.output.type.dtype
    x, rois = (cast_from(e, name, old=dtype, new=DType.F32) for name in e.inputs(node))
    images, corners = _split(e, rois)
    move = (1.5 - op.offset) / op.scale
    corners = e.emit("Add", corners, e.scalar(move, DType.F32))
    whole = op.mode == "average" and op.samples[0] == op.samples[1]
    height, width = op.size if whole else (n * s for n, s in zip(op.size, op.samples))
    y = e.emit(
        "RoiAlign",
        emit_ring(e, x, DType.F32),
        corners,
        images,
        mode="avg",
        output_height=height,
        output_width=width,
        sampling_ratio=op.samples[0] if whole else 1,
        spatial_scale=op.scale,
        coordinate_transformation_mode="half_pixel",
    )
    if not whole and op.samples != (1, 1):
        pool = "MaxPool" if op.mode == "max" else "AveragePool"
        y = e.emit(pool, y, kernel_shape=list(op.samples), strides=list(op.samples))
    return cast_from(e, y, old=DType.F32, new=dtype)


def _split(e: Emitter, rois: str) -> tuple[str, str]:
    """Return the numbers of the images (K), and the corners (K, 4) with right >= left."""
    columns = [
        e.emit("Gather", rois, e.constant(np.array(i, np.int64), "column"), axis=1)
        for i in (0, [1, 2], [3, 4])
    ]
    far = e.emit("Max", columns[1], columns[2])
    return cast(e, columns[0], DType.I64), e.emit("Concat", columns[1], far, axis=1)


@RULES(ops.RoiPool, since=7, limits="up to opset 21: no runtime has the MaxRoiPool of opset 22")
def roi_pool(e: Emitter, node: Node[ops.RoiPool]) -> str:
    if e.opset > LAST_ROI_POOL:
        raise UnsupportedCase(
            f"no runtime has the MaxRoiPool of opset {e.opset}",
            hint=f"use opset {LAST_ROI_POOL} or older",
        )
    dtype = node.output.type.dtype
    x, rois = (cast_from(e, name, old=dtype, new=DType.F32) for name in e.inputs(node))
    op = node.op
    y = e.emit("MaxRoiPool", x, rois, pooled_shape=list(op.size), spatial_scale=op.scale)
    return cast_from(e, y, old=DType.F32, new=dtype)


@RULES(ops.DeformConv, since=19)
def deform_conv(e: Emitter, node: Node[ops.DeformConv]) -> str:
    op, dtype = node.op, node.output.type.dtype
    through = carrier(e, "DeformConv", dtype)
    names = [cast_from(e, name, old=dtype, new=through) for name in e.inputs(node)]
    x, w, offset, mask, *bias = names
    shape, share = node.inputs[1].type.shape, node.inputs[2].type.shape[1]
    kernel = [d for d in shape[2:] if isinstance(d, int)]
    places = kernel[0] * kernel[1] * 2
    y = e.emit(
        "DeformConv",
        x,
        w,
        offset,
        *(bias or [""]),
        mask,
        kernel_shape=kernel,
        strides=list(op.stride),
        pads=ends(op.padding),
        dilations=list(op.dilation),
        group=op.groups,
        offset_group=share // places if isinstance(share, int) else None,
    )
    return cast_from(e, y, old=through, new=dtype)

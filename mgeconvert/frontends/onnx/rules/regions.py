"""Reading images at computed places, and regions of interest."""

from __future__ import annotations

import numpy as np

from mgeconvert.errors import ShapeError, UnsupportedCase
from mgeconvert.frontends.onnx.call import Call
from mgeconvert.frontends.onnx.rules.table import RULES
from mgeconvert.ir import Value, ops

MODES = {"linear": "linear", "bilinear": "linear", "nearest": "nearest"}
BORDERS = {
    ("zeros", 0): "constant",
    ("zeros", 1): "constant",
    ("border", 0): "replicate",
    ("border", 1): "replicate",
    ("reflection", 0): "reflect",
    ("reflection", 1): "reflect_101",
}


@RULES("GridSample", since=16, limits="linear and nearest, of images of known height and width")
def grid_sample(c: Call, x: Value, grid: Value) -> Value:
    """Places go from -1 to 1: the centres of the outer pixels, or the edges of the image."""
    mode = MODES[c.need("mode", *MODES)]
    border = BORDERS[c.need("padding_mode", "zeros", "border", "reflection"), _corners(c)]
    sizes = x.type.shape[2:]
    if x.type.rank != 4 or not all(isinstance(n, int) for n in sizes):
        raise UnsupportedCase(f"reading {x.type} at computed places")
    spans = np.array([n for n in sizes[::-1] if isinstance(n, int)], x.type.dtype.numpy)
    factor = (spans - 1) / 2 if _corners(c) else spans / 2
    shift = factor if _corners(c) else factor - 0.5
    places = c.emit(
        ops.Add(),
        c.emit(ops.Mul(), grid, c.constant(factor.astype(grid.type.dtype.numpy))),
        c.constant(shift.astype(grid.type.dtype.numpy)),
    )
    return c.emit(ops.Remap(mode=mode, border=border), x, c.cast(places, x.type.dtype))


def _corners(c: Call) -> int:
    return int(bool(c.attribute("align_corners")))


@RULES("MaxRoiPool", since=1)
def max_roi_pool(c: Call, x: Value, rois: Value) -> Value:
    size = tuple(c.attribute("pooled_shape"))
    if len(size) != 2 or min(size) < 1:
        raise ShapeError(f"pooled_shape {size}")
    op = ops.RoiPool(size=(size[0], size[1]), scale=c.attribute("spatial_scale"))
    return c.emit(op, x, rois)


@RULES("RoiAlign", since=16, limits="averages of images with zeros around them; right >= left")
def roi_align(c: Call, x: Value, rois: Value, images: Value) -> Value:
    """ONNX repeats the border where the IR has zeros: the same, where the border is zero."""
    c.need("mode", "avg")
    c.need("coordinate_transformation_mode", "half_pixel")
    samples = int(c.attribute("sampling_ratio"))
    if samples < 1:
        raise UnsupportedCase("sampling_ratio = 0, a number that depends on the region")
    if not _has_ring(x):
        raise UnsupportedCase("an image without zeros around it, whose border would be repeated")
    numbers = c.unsqueeze(c.cast(images, rois.type.dtype), [1])
    op = ops.RoiAlign(
        size=(int(c.attribute("output_height")), int(c.attribute("output_width"))),
        samples=(samples, samples),
        scale=c.attribute("spatial_scale"),
    )
    return c.emit(op, x, c.emit(ops.Concat(axis=1), numbers, rois))


def _has_ring(x: Value) -> bool:
    op = None if x.producer is None else x.producer.op
    return (
        isinstance(op, ops.Pad)
        and op.mode == "constant"
        and op.value == 0
        and len(op.pads) == 4
        and all(n > 0 for pair in op.pads[2:] for n in pair)
    )

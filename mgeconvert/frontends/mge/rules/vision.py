"""Regions of interest, colours and deformable convolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.call import Call
from mgeconvert.frontends.mge.records import MgeOperator
from mgeconvert.frontends.mge.rules.conv import filters, spatial, wide
from mgeconvert.frontends.mge.rules.table import RULES
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


@RULES("NMSKeepMGB", limits="of one image, as F.vision.nms uses it")
def nms_keep(c: Call, boxes: Value) -> tuple[Value, Value]:
    """The places of the boxes kept, and their number.

    MegEngine fills the places up to `max_output`, and what reads them cuts that off again; here
    they are as many as there are, a number that is a dimension of its own.
    """
    indices, counts = c.operator.outputs
    if boxes.type.shape[0] != 1 or not _cut_to_count(c, indices, counts):
        raise UnsupportedCase(
            "places of boxes that are filled up", hint="use F.vision.nms, or its first numbers only"
        )
    rows = c.cast(c.squeeze(boxes, [0]), DType.F32)
    order = c.emit(ops.Neg(), c.counted(rows.type.shape[0]))  # they come by falling score
    op = ops.NonMaxSuppression(
        threshold=float(c.setting("iou_thresh")),
        limit=int(c.setting("max_output")),
        kept=symbol(f"kept_{len(c.graph)}"),  # a name that no other operator has
    )
    kept = c.cast(c.emit(op, rows, order), DType.I32)
    return c.unsqueeze(kept, [0]), c.dims([op.kept])


def _cut_to_count(c: Call, indices: int, counts: int) -> bool:
    """Return whether whatever reads the places takes the first row, and of that `counts`."""
    rows, numbers = (_first(c.readers.get(made, ())) for made in (indices, counts))
    if not rows or numbers is None:
        return False
    cuts = [reader for row in rows for reader in c.readers.get(row, ())]
    return bool(cuts) and all(_is_cut(reader, set(numbers)) for reader in cuts)


def _first(readers: Sequence[MgeOperator]) -> list[int] | None:
    """Return what comes of taking the first row; None where a reader does something else."""
    fine = all(r.type == "Subtensor" and _axis_items(r) == [(0, "idx")] for r in readers)
    return [r.outputs[0] for r in readers] if fine else None


def _is_cut(reader: MgeOperator, counts: set[int]) -> bool:
    named = reader.type == "Subtensor" and _axis_items(reader) == [(0, "end")]
    return named and reader.inputs[1] in counts


def _axis_items(operator: MgeOperator) -> list[tuple[int, str]]:
    kinds = ("begin", "end", "step", "idx")
    items = operator.params.get("items", ())
    return [(int(item["axis"]), kind) for item in items for kind in kinds if item[kind]]


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

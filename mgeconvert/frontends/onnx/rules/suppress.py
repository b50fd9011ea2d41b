"""Non-maximum suppression."""

from __future__ import annotations

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.onnx.call import Call
from mgeconvert.frontends.onnx.rules.table import RULES
from mgeconvert.ir import Value, ops
from mgeconvert.ir.dims import symbol

ALL = 2**31 - 1  # and more boxes than that are all of them
LIMITS = "of one image and one class, without a score threshold"


@RULES("NonMaxSuppression", since=10, limits=LIMITS)
def non_max_suppression(
    c: Call,
    boxes: Value,
    scores: Value,
    limit: Value | None = None,
    threshold: Value | None = None,
    least: Value | None = None,
) -> Value:
    """Each row of the result is image, class and box; without a limit there are none."""
    c.need("center_point_box", 0)
    if boxes.type.shape[:1] != (1,) or scores.type.shape[:2] != (1, 1) or boxes.type.rank != 3:
        raise UnsupportedCase(f"boxes {boxes.type} and scores {scores.type}")
    if least is not None:
        raise UnsupportedCase("a score_threshold")
    most = 0 if limit is None else c.one_int(limit)
    op = ops.NonMaxSuppression(
        threshold=0.0 if threshold is None else c.number(threshold, "iou_threshold"),
        kept=symbol(c.graph.unique("kept")),
        limit=None if most >= ALL else max(most, 0),
    )
    places = c.emit(op, _ordered(c, c.squeeze(boxes, [0])), c.squeeze(scores, [0, 1]))
    return c.emit(ops.Pad(pads=((0, 0), (2, 0))), c.unsqueeze(places, [1]))


def _ordered(c: Call, boxes: Value) -> Value:
    """Return the boxes from their lower to their upper corner: ONNX takes any two opposite ones."""
    one, other = (c.slice(boxes, [None, span]) for span in ((0, 2, 1), (2, 4, 1)))
    corners = (c.emit(op, one, other) for op in (ops.Minimum(), ops.Maximum()))
    return c.emit(ops.Concat(axis=1), *corners)

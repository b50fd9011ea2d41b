"""Reading images at computed places."""

from __future__ import annotations

import numpy as np

from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.backends.onnx.rules.dims import known
from mgeconvert.backends.onnx.rules.shape import emit_pad
from mgeconvert.backends.onnx.rules.table import RULES
from mgeconvert.backends.onnx.rules.typed import cast_from
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import DType, Node, ops
from mgeconvert.ir.ops.infer import Pairs

GRID_SAMPLE = 16
MODES = {"linear": "bilinear", "nearest": "nearest"}  # of opset 16; 20 calls the first linear
PADDING = {
    "constant": ("zeros", 0),
    "replicate": ("border", 0),
    "reflect": ("reflection", 0),
    "reflect_101": ("reflection", 1),
    "wrap": ("border", 0),
}
"""By border: GridSample's padding_mode and align_corners."""

LIMITS = "of images whose height and width are known"


@RULES(ops.Remap, since=GRID_SAMPLE, limits=LIMITS)
def remap(e: Emitter, node: Node[ops.Remap]) -> str:
    op, dtype = node.op, node.output.type.dtype
    sizes = known(node.inputs[0].type.shape[2:])
    if sizes is None:
        raise UnsupportedCase(
            "reading an image of unknown size at computed places",
            hint="give the input's height and width",
        )
    x, places = (cast_from(e, name, old=dtype, new=DType.F32) for name in e.inputs(node))
    if op.border == "wrap":
        x, places = _wrapped(e, x, places, sizes)
        sizes = [n + 1 for n in sizes]
    shifted = op.border == "constant" and op.value != 0
    x = e.emit("Sub", x, e.scalar(op.value, DType.F32)) if shifted else x
    padding, align = PADDING[op.border]
    y = e.emit(
        "GridSample",
        x,
        _normalized(e, places, sizes, align=align),
        mode=op.mode if e.opset >= 20 else MODES[op.mode],
        padding_mode=padding,
        align_corners=align,
    )
    y = e.emit("Add", y, e.scalar(op.value, DType.F32)) if shifted else y
    return cast_from(e, y, old=DType.F32, new=dtype)


def _normalized(e: Emitter, places: str, sizes: list[int], *, align: int) -> str:
    """Return pixels as GridSample counts them, from -1 to 1.

    That is 2 p / (size - 1) - 1 with aligned corners, else (2 p + 1) / size - 1.
    """
    spans = np.array(sizes[::-1], np.float32)
    if align:
        scale, shift = 2 / np.maximum(spans - 1, 1), np.array([-1, -1], np.float32)
    else:
        scale, shift = 2 / spans, 1 / spans - 1
    scaled = e.emit("Mul", places, e.constant(scale.astype(np.float32), "scale"))
    return e.emit("Add", scaled, e.constant(shift.astype(np.float32), "shift"))


def _wrapped(e: Emitter, x: str, places: str, sizes: list[int]) -> tuple[str, str]:
    """Return x with its first row and column repeated at the end, and the places within x."""
    spans = e.constant(np.array(sizes[::-1], np.float32), "size")
    turns = e.emit("Floor", e.emit("Div", places, spans))
    places = e.emit("Sub", places, e.emit("Mul", turns, spans))
    for axis in (2, 3):
        bounds = (e.ints([n], name) for n, name in ((0, "start"), (1, "end"), (axis, "axes")))
        x = e.emit("Concat", x, e.emit("Slice", x, *bounds), axis=axis)
    return x, places


def emit_ring(e: Emitter, x: str, dtype: DType) -> str:
    """Emit images with one pixel of zeros on each side."""
    ring: Pairs = ((0, 0), (0, 0), (1, 1), (1, 1))
    return emit_pad(e, x, ops.Pad(pads=ring), dtype)

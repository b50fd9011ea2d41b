"""ONNX operators whose form changed between opsets, each written in one way."""

from __future__ import annotations

from collections.abc import Sequence

from mgeconvert.backends.onnx.emitter import Emitter


def squeeze(e: Emitter, x: str, axes: Sequence[int]) -> str:
    """Emit x without the axes `axes`; they became an input at opset 13."""
    if e.opset >= 13:
        return e.emit("Squeeze", x, e.ints(axes, "axes"))
    return e.emit("Squeeze", x, axes=list(axes))


def unsqueeze(e: Emitter, x: str, axes: Sequence[int]) -> str:
    """Emit x with new axes at the places `axes` of the result; an input from opset 13 on."""
    if e.opset >= 13:
        return e.emit("Unsqueeze", x, e.ints(axes, "axes"))
    return e.emit("Unsqueeze", x, axes=list(axes))


def reduce(e: Emitter, op_type: str, x: str, *, axes: Sequence[int], keepdims: bool) -> str:
    """Emit a reduction; the axes became an input at opset 13 (ReduceSum) or 18 (the others)."""
    keep = int(keepdims)
    if e.opset >= (13 if op_type == "ReduceSum" else 18):
        return e.emit(op_type, x, e.ints(axes, "axes"), keepdims=keep)
    return e.emit(op_type, x, axes=list(axes), keepdims=keep)


def reshape(e: Emitter, x: str, shape: Sequence[int]) -> str:
    """Emit x as `shape`; 0 keeps the axis at its place, one -1 takes what is left."""
    return e.emit("Reshape", x, e.ints(shape, "shape"))

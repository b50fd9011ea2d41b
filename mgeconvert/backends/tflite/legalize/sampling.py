"""Reading images at computed places between the pixels, by gathering rows of channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mgeconvert.backends.tflite.legalize.activation import plus, times
from mgeconvert.backends.tflite.legalize.table import LEGAL, Rewriter
from mgeconvert.ir import DType, Node, Value, ops
from mgeconvert.ir.dims import Dim, product

I32, F32 = DType.I32, DType.F32


@dataclass(frozen=True)
class Border:
    """What stands for pixels outside of an image, as `ops.Remap` says it."""

    kind: str = "constant"
    value: float = 0.0


@dataclass(frozen=True)
class Places:
    """Numbers of images (int32), rows and columns: tensors that broadcast to one shape."""

    image: Value
    rows: Value
    columns: Value


def interpolated(b: Rewriter, x: Value, at: Places, border: Border = Border()) -> Value:
    """Return x (N, C, H, W) between its pixels, linearly: places of shape S give (*S, C)."""
    pixels = _rows_of_channels(b, x)
    top, left = b.emit(ops.Floor(), at.rows), b.emit(ops.Floor(), at.columns)
    low, right = b.emit(ops.Sub(), at.rows, top), b.emit(ops.Sub(), at.columns, left)
    heights = (_rest(b, low), low)
    widths = (_rest(b, right), right)
    total = None
    for down in (0, 1):
        for across in (0, 1):
            place = Places(
                at.image, plus(b, b.cast(top, I32), down), plus(b, b.cast(left, I32), across)
            )
            tap = _pixels(b, x, pixels, place, border)
            weight = b.unsqueeze(b.emit(ops.Mul(), heights[down], widths[across]), [-1])
            part = b.emit(ops.Mul(), tap, weight)
            total = part if total is None else b.emit(ops.Add(), total, part)
    assert total is not None
    return total


def read(b: Rewriter, x: Value, at: Places, border: Border) -> Value:
    """Return x (N, C, H, W) at whole places of shape S, given as int32, as (*S, C)."""
    return _pixels(b, x, _rows_of_channels(b, x), at, border)


def _rest(b: Rewriter, t: Value) -> Value:
    return plus(b, times(b, t, -1), 1)


def _rows_of_channels(b: Rewriter, x: Value) -> Value:
    """Return x (N, C, H, W) as (N H W, C)."""
    n, c, h, w = x.type.shape
    return b.reshape(b.transpose(x, (0, 2, 3, 1)), [product([n, h, w]), c])


def _pixels(b: Rewriter, x: Value, pixels: Value, at: Places, border: Border) -> Value:
    _, _, height, width = x.type.shape
    rows = _inside(b, at.rows, height, border.kind)
    columns = _inside(b, at.columns, width, border.kind)
    first = b.emit(ops.Mul(), at.image, b.dims([height * width], scalar=True))
    index = b.emit(ops.Add(), first, b.emit(ops.Mul(), rows, b.dims([width], scalar=True)))
    index = b.emit(ops.Add(), index, columns)
    b.session.counted.add(index)
    found = b.emit(ops.Gather(axis=0), pixels, index)
    if border.kind != "constant":
        return found
    kept = [
        b.emit(ops.Equal(), place, inner)
        for place, inner in ((at.rows, rows), (at.columns, columns))
    ]
    mask = b.unsqueeze(b.emit(ops.And(), *kept), [-1])
    return b.emit(ops.Where(), mask, found, b.scalar(border.value, x.type.dtype))


def _inside(b: Rewriter, index: Value, size: Dim, kind: str) -> Value:
    """Return the pixels that stand for `index`: the IR's `border_index`."""
    if kind == "wrap":
        return _mod(b, index, size)
    if kind in ("reflect", "reflect_101"):
        edge = kind == "reflect_101"  # whether the border pixel is not repeated
        period = size * 2 - (2 if edge else 0)
        if period == 0:
            return b.emit(ops.Mul(), index, b.scalar(0, I32))
        inside = _mod(b, index, period)
        mirrored = b.emit(ops.Sub(), b.dims([size * 2 - (2 if edge else 1)], scalar=True), inside)
        return b.emit(ops.Minimum(), inside, mirrored)
    low = b.emit(ops.Maximum(), index, b.scalar(0, I32))
    return b.emit(ops.Minimum(), low, b.dims([size - 1], scalar=True))


def _mod(b: Rewriter, index: Value, period: Dim) -> Value:
    divisor = b.emit(ops.Maximum(), b.dims([period], scalar=True), b.scalar(1, I32))
    return b.emit(ops.Mod(), index, divisor)


def channels_first(b: Rewriter, x: Value) -> Value:
    """Return (N, H, W, C) as (N, C, H, W)."""
    return b.transpose(x, (0, 3, 1, 2))


def numbered(b: Rewriter, count: Dim, shape: Sequence[Dim]) -> Value:
    """Return 0, 1 ... count - 1 as int32, shaped so that it broadcasts."""
    return b.reshape(b.emit(ops.Range(count=count)), shape)


@LEGAL(ops.Remap)
def remap(b: Rewriter, node: Node[ops.Remap]) -> Value:
    x, places = (b.cast(v, F32) for v in node.inputs)
    op = node.op
    columns, rows = (
        b.squeeze(b.slice(places, [None, None, None, (i, i + 1, 1)]), [3]) for i in (0, 1)
    )
    image = numbered(b, x.type.shape[0], [x.type.shape[0], 1, 1])
    border = Border(op.border, op.value)
    if op.mode == "linear":
        y = interpolated(b, x, Places(image, rows, columns), border)
    else:
        near = [b.cast(b.emit(ops.Round(), v), I32) for v in (rows, columns)]
        y = read(b, x, Places(image, *near), border)
    return b.cast(channels_first(b, y), node.output.type.dtype)

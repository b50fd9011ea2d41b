"""Shapes and axes, and moving elements about."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mgeconvert.errors import ShapeError, UnsupportedCase
from mgeconvert.frontends.onnx.call import Call
from mgeconvert.frontends.onnx.rules.table import RULES
from mgeconvert.ir import Dim, Value, ops
from mgeconvert.ir.dims import product
from mgeconvert.ir.ops.infer import broadcast


@RULES("Reshape", since=5)
def reshape(c: Call, x: Value, target: Value) -> Value:
    """0 keeps the size at its place, unless the node says that it means none; -1 is the rest."""
    wanted = list(c.known_dims(target))
    if not c.attribute("allowzero", 0):
        for i, d in enumerate(wanted):
            if d == 0:
                wanted[i] = x.type.shape[c.axis(i, x.type.rank)]
    return c.reshape(x, wanted)


@RULES("Flatten", since=1)
def flatten(c: Call, x: Value) -> Value:
    axis = int(c.attribute("axis"))
    axis = axis if axis == x.type.rank else c.axis(axis, x.type.rank)
    return c.reshape(x, (product(x.type.shape[:axis]), product(x.type.shape[axis:])))


@RULES("Squeeze", since=1)
def squeeze(c: Call, x: Value, axes: Value | None = None) -> Value:
    """Without axes all those of size 1 go; an axis of an unknown size is taken to be longer."""
    given = c.attribute("axes", ()) if axes is None else c.ints(axes)
    if not given:
        given = [i for i, d in enumerate(x.type.shape) if d == 1]
    return c.squeeze(x, given) if given else c.emit(ops.Identity(), x)


@RULES("Unsqueeze", since=13)
def unsqueeze(c: Call, x: Value, axes: Value) -> Value:
    return _unsqueeze(c, x, c.ints(axes))


@RULES("Unsqueeze", since=1)
def unsqueeze_by_attribute(c: Call, x: Value) -> Value:
    return _unsqueeze(c, x, c.attribute("axes"))


def _unsqueeze(c: Call, x: Value, axes: Sequence[int]) -> Value:
    return c.unsqueeze(x, axes) if axes else c.emit(ops.Identity(), x)


@RULES("Transpose", since=1)
def transpose(c: Call, x: Value) -> Value:
    return c.transpose(x, c.attribute("perm") or range(x.type.rank)[::-1])


@RULES("Expand", since=8)
def expand(c: Call, x: Value, target: Value) -> Value:
    """The target may be smaller than x: both broadcast."""
    return c.emit(ops.Expand(shape=broadcast([x.type.shape, c.known_dims(target)])), x)


@RULES("Concat", since=4)
def concat(c: Call, *inputs: Value) -> Value:
    axis = c.axis(c.attribute("axis"), inputs[0].type.rank)
    return c.emit(ops.Concat(axis=axis), *inputs)


@RULES("Tile", since=6)
def tile(c: Call, x: Value, repeats: Value) -> Value:
    return c.emit(ops.Tile(repeats=c.known_dims(repeats)), x)


@RULES("Pad", since=11, limits="by known amounts; not wrapped around")
def pad(
    c: Call, x: Value, pads: Value, value: Value | None = None, axes: Value | None = None
) -> Value:
    number = 0.0 if value is None else c.number(value, "the value that is padded with")
    given = None if axes is None else c.ints(axes)
    return _pad(c, x, c.ints(pads), value=number, axes=given)


@RULES("Pad", since=2)
def pad_by_attributes(c: Call, x: Value) -> Value:
    return _pad(c, x, c.attribute("pads"), value=c.attribute("value"), axes=None)


def _pad(
    c: Call, x: Value, pads: Sequence[int], *, value: float, axes: Sequence[int] | None
) -> Value:
    """Negative pads cut off."""
    rank = x.type.rank
    places = range(rank) if axes is None else [c.axis(a, rank) for a in axes]
    count = len(places)
    if len(pads) != 2 * count or len(set(places)) != count:
        raise ShapeError(f"pads {tuple(pads)} for {count} axes")
    amounts = dict(zip(places, zip(pads[:count], pads[count:])))
    pairs = [amounts.get(i, (0, 0)) for i in range(rank)]
    mode = c.need("mode", "constant", "reflect", "edge")
    if any(n < 0 for pair in pairs for n in pair):
        cuts = [(-min(a, 0), min(b, 0)) for a, b in pairs]
        x = c.slice(x, [(a, b or None, 1) if a or b else None for a, b in cuts])
        pairs = [(max(a, 0), max(b, 0)) for a, b in pairs]
    op = ops.Pad(pads=tuple(pairs), mode=mode, value=value if mode == "constant" else 0.0)
    return c.emit(op, x)


@RULES("Shape", since=1)
def shape_of(c: Call, x: Value) -> Value:
    dims = x.type.shape[slice(c.attribute("start", 0), c.attribute("end", None))]
    return c.dims(dims)


@RULES("Size", since=1)
def size_of(c: Call, x: Value) -> Value:
    return c.dims([x.type.size], scalar=True)


@RULES("Dropout", since=7, limits="in inference mode")
def dropout(
    c: Call, x: Value, ratio: Value | None = None, training: Value | None = None
) -> tuple[Value | None, ...]:
    if training is not None and c.number(training, "training_mode"):
        raise UnsupportedCase("dropout in training mode")
    c.refuse_output(1, "mask")
    return (c.emit(ops.Identity(), x),)


def _blocks(c: Call) -> int:
    size = int(c.attribute("blocksize"))
    if size < 1:
        raise ShapeError(f"blocksize {size}")
    return size


@RULES("DepthToSpace", since=1)
def depth_to_space(c: Call, x: Value) -> Value:
    """The order CRD is the IR's; in the order DCR the block comes before the channels."""
    r = _blocks(c)
    if c.need("mode", "CRD", "DCR") == "CRD":
        return c.emit(ops.DepthToSpace(size=r), x)
    n, channels, h, w = _image(x)
    depth = _share(channels, r * r)
    y = c.transpose(c.reshape(x, (n, r, r, depth, h, w)), (0, 3, 4, 1, 5, 2))
    return c.reshape(y, (n, depth, h * r, w * r))


@RULES("SpaceToDepth", since=1)
def space_to_depth(c: Call, x: Value) -> Value:
    r = _blocks(c)
    n, channels, h, w = _image(x)
    high, wide = _share(h, r), _share(w, r)
    y = c.transpose(c.reshape(x, (n, channels, high, r, wide, r)), (0, 3, 5, 1, 2, 4))
    return c.reshape(y, (n, channels * r * r, high, wide))


def _image(x: Value) -> tuple[Dim, Dim, Dim, Dim]:
    if x.type.rank != 4:
        raise ShapeError(f"{x.type} is not N,C,H,W")
    n, channels, h, w = x.type.shape
    return n, channels, h, w


def _share(size: Dim, by: int) -> Dim:
    if isinstance(size, int) and math.gcd(size, by) != by:
        raise ShapeError(f"{size} does not divide by {by}")
    return size // by

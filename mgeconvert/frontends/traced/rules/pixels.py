"""Pixel shuffling and sliding windows."""

from __future__ import annotations

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import Value, ops
from mgeconvert.ir.dims import product


@RULES("function:nn.pixel_shuffle")
def pixel_shuffle(c: Call, inp: Value, upscale_factor: int) -> Value:
    """Of any rank from 3 on: the axes before the last three are one batch."""
    shape, op = inp.type.shape, ops.DepthToSpace(size=upscale_factor)
    if len(shape) < 3:
        raise UnsupportedCase(f"pixel_shuffle of {inp.type}")
    if len(shape) == 4:
        return c.emit(op, inp)
    flat = c.reshape(inp, (product(shape[:-3]), *shape[-3:]))
    y = c.emit(op, flat)
    return c.reshape(y, (*shape[:-3], *y.type.shape[1:]))


@RULES("module:PixelShuffle")
def pixel_shuffle_module(c: Call, x: Value) -> Value:
    return pixel_shuffle(c, x, c.setting("upscale_factor"))

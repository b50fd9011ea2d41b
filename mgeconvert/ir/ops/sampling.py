"""Operators that read images at computed places between the pixels."""

from __future__ import annotations

import numpy as np

from mgeconvert.errors import ShapeError
from mgeconvert.ir.op import Array, Arrays, Op, Types, op
from mgeconvert.ir.ops.infer import need_rank, same_dtype
from mgeconvert.ir.types import TensorType

BORDERS = ("constant", "replicate", "reflect", "reflect_101", "wrap")


def border_index(index: Array, size: int, border: str) -> Array:
    """Return the pixels that stand for `index`, which may be outside 0 .. size - 1.

    "reflect" repeats the border pixel (cba|abc), "reflect_101" does not (cb|abc).
    """
    if border == "wrap":
        return index % size
    if border == "reflect":
        inside = index % (2 * size)
        return np.minimum(inside, 2 * size - 1 - inside)
    if border == "reflect_101":
        inside = index % max(2 * size - 2, 1)
        return np.minimum(inside, 2 * size - 2 - inside)
    return np.clip(index, 0, size - 1)


def pixels(x: Array, rows: Array, columns: Array, *, border: str, value: float) -> Array:
    """Return x (C, H, W) at whole places of any shape S, as (C, *S)."""
    height, width = x.shape[1:]
    found = x[:, border_index(rows, height, border), border_index(columns, width, border)]
    if border != "constant":
        return found
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    return np.where(inside, found, x.dtype.type(value))


def interpolate(
    x: Array, rows: Array, columns: Array, *, border: str = "constant", value: float = 0.0
) -> Array:
    """Return x (C, H, W) between its pixels, linearly: places of shape S give (C, *S)."""
    top, left = np.floor(rows), np.floor(columns)
    low, right = (rows - top).astype(x.dtype), (columns - left).astype(x.dtype)
    top, left = top.astype(np.int64), left.astype(np.int64)
    total = np.zeros((x.shape[0], *rows.shape), x.dtype)
    for down, height in ((0, 1 - low), (1, low)):
        for across, width in ((0, 1 - right), (1, right)):
            tap = pixels(x, top + down, left + across, border=border, value=value)
            total += tap * height * width
    return total


@op("x places")
class Remap(Op):
    """x (N, C, H, W) at the places (N, *, *, 2), given as column and row counted in pixels.

    Mode "linear" interpolates between four pixels, "nearest" takes one, ties to the even place.
    `border` says what is outside; "constant" is `value`.
    """

    mode: str = "linear"
    border: str = "replicate"
    value: float = 0.0

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        x, places = types
        same_dtype(types)
        need_rank(x, (4,), "the image")
        if places.rank != 4 or places.shape[3] != 2 or places.shape[0] != x.shape[0]:
            raise ShapeError(f"the places {places} for {x}")
        if self.mode not in ("linear", "nearest") or self.border not in BORDERS:
            raise ShapeError(f"{self} is not a known way to read an image")
        return (TensorType(x.dtype, (*x.shape[:2], *places.shape[1:3])),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        return (np.stack([self._one(x, places) for x, places in zip(*arrays)]),)

    def _one(self, x: Array, places: Array) -> Array:
        columns, rows = places[..., 0], places[..., 1]
        if self.mode == "linear":
            return interpolate(x, rows, columns, border=self.border, value=self.value)
        rows, columns = (np.rint(a).astype(np.int64) for a in (rows, columns))
        return pixels(x, rows, columns, border=self.border, value=self.value)

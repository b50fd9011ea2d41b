"""Pooling of regions of interest: rectangles in images."""

from __future__ import annotations

import numpy as np

from mgeconvert.errors import ShapeError
from mgeconvert.ir.op import Array, Arrays, Op, Types, op
from mgeconvert.ir.ops.infer import need_rank, same_dtype
from mgeconvert.ir.ops.sampling import interpolate
from mgeconvert.ir.types import TensorType


class Regions(Op):
    """Base: x (N, C, H, W) pooled to (K, C, *size) in K rectangles.

    A row of `rois` (K, 5) has the number of the image, and left, top, right and bottom, which are
    multiplied by `scale`.
    """

    size: tuple[int, int]
    scale: float

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        x, rois = types
        dtype = same_dtype(types)
        need_rank(x, (4,), "the image")
        if rois.rank != 2 or rois.shape[1] != 5:
            raise ShapeError(f"the regions {rois} are not (K, 5)")
        return (TensorType(dtype, (rois.shape[0], x.shape[1], *self.size)),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        x, rois = arrays
        result = np.zeros((len(rois), x.shape[1], *self.size), x.dtype)
        for i, (image, *corners) in enumerate(rois):
            result[i] = self.pool(x[int(image)], np.array(corners) * x.dtype.type(self.scale))
        return (result,)

    def pool(self, x: Array, corners: Array) -> Array:
        """Return one region of x (C, H, W)."""
        raise NotImplementedError


@op("x rois")
class RoiAlign(Regions):
    """The mean ("average") or "max" of `samples` places in each part of a region.

    The corners are moved by -`offset` after scaling; a negative width or height counts as 0. Places
    are interpolated linearly, with zeros around the image.
    """

    size: tuple[int, int]
    samples: tuple[int, int]
    scale: float = 1.0
    offset: float = 0.5
    mode: str = "average"

    def pool(self, x: Array, corners: Array) -> Array:
        left, top, right, bottom = corners - x.dtype.type(self.offset)
        rows = self._places(top, bottom, 0)
        columns = self._places(left, right, 1)
        read = interpolate(x, *np.meshgrid(rows, columns, indexing="ij"))
        parts = read.reshape(
            x.shape[0], self.size[0], self.samples[0], self.size[1], self.samples[1]
        )
        pooled: Array = parts.max((2, 4)) if self.mode == "max" else parts.mean((2, 4))
        return pooled

    def _places(self, start: float, end: float, axis: int) -> Array:
        count = self.size[axis] * self.samples[axis]
        return start + (np.arange(count) + 0.5) * max(end - start, 0) / count


@op("x rois")
class RoiPool(Regions):
    """The greatest pixel of each part of a region; corners are rounded, ties away from 0."""

    size: tuple[int, int]
    scale: float = 1.0

    def pool(self, x: Array, corners: Array) -> Array:
        left, top, right, bottom = (int(np.trunc(c + np.copysign(0.5, c))) for c in corners)
        result = np.zeros((x.shape[0], *self.size), x.dtype)
        for i, j in np.ndindex(*self.size):
            rows = _span(i, self.size[0], top, bottom, x.shape[1])
            columns = _span(j, self.size[1], left, right, x.shape[2])
            part = x[:, rows, columns]
            if part.size:
                result[:, i, j] = part.max((1, 2))
        return result


def _span(index: int, count: int, first: int, last: int, limit: int) -> slice:
    """Return the pixels of one of `count` parts of the pixels from `first` to `last`."""
    step = np.float32(max(last - first + 1, 1)) / np.float32(count)
    start = int(np.floor(np.float32(index) * step)) + first
    stop = int(np.ceil(np.float32(index + 1) * step)) + first
    return slice(min(max(start, 0), limit), min(max(stop, 0), limit))

"""Operators that move or resample the pixels of N,H,W,C."""

from __future__ import annotations

import numpy as np

from mgeconvert.backends.tflite.dialect.layouts import first, last, whole
from mgeconvert.errors import ShapeError
from mgeconvert.ir import Array, Op, TensorType, op, ops
from mgeconvert.ir.dims import Shape
from mgeconvert.ir.op import Arrays, Types


@op("x")
class TflResize(Op):
    """N,H,W,C resampled to `size`. RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR.

    Nearest reads at floor(place), with half pixels at round(place + 0.5 - 1) of TFLite's kernel:
    floor((i + 0.5) * r); align_corners rounds half up.
    """

    size: Shape
    mode: str
    coordinates: str = "asymmetric"

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        if x.rank != 4 or len(self.size) != 2:
            raise ShapeError(f"size {self.size} for {x}")
        return (TensorType(x.dtype, (x.shape[0], *self.size, x.shape[-1])),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        (x,) = arrays
        if self.mode == "linear":
            made = ops.Resize(size=self.size, mode="linear", coordinates=self.coordinates)
            return (last(made.eval([first(x)])[0]),)
        for axis, out in enumerate(self.size, 1):
            x = np.take(x, self._nearest(x.shape[axis], whole(out)), axis)
        return (x,)

    def _nearest(self, size: int, out: int) -> Array:
        """Return the pixels that the kernel reads, which computes in float32."""
        i = np.arange(out, dtype=np.float32)
        aligned = self.coordinates == "align_corners" and out > 1
        scale = np.float32(size - aligned) / np.float32(out - aligned)
        if self.coordinates == "align_corners":
            place = np.floor(i * scale + np.float32(0.5))
        else:
            offset = np.float32(0.5 if self.coordinates == "half_pixel" else 0.0)
            place = np.floor((i + offset) * scale)
        return np.clip(place, 0, size - 1).astype(np.int64)


@op("x")
class TflDepthToSpace(Op):
    """N,H,W,C to N,H * size,W * size,C / size**2; channel order (size, size, C)."""

    size: int

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        n, h, w, c = x.shape
        return (TensorType(x.dtype, (n, h * self.size, w * self.size, c // self.size**2)),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        (x,) = arrays
        n, h, w, c = x.shape
        r = self.size
        blocks = x.reshape(n, h, w, r, r, c // r**2).transpose(0, 1, 3, 2, 4, 5)
        return (blocks.reshape(n, h * r, w * r, c // r**2),)

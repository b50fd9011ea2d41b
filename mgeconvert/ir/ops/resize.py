"""Resampling of images."""

from __future__ import annotations

import numpy as np

from mgeconvert.errors import ShapeError
from mgeconvert.ir.dims import Shape
from mgeconvert.ir.op import Array, Arrays, Op, Types, op
from mgeconvert.ir.ops.shape import numbers
from mgeconvert.ir.types import TensorType

COORDINATES = ("half_pixel", "align_corners", "asymmetric")
MODES = ("nearest", "linear", "cubic")


@op("x")
class Resize(Op):
    """x resampled to the spatial size `size`.

    Output index i reads at, with r = input size / output size:
    half_pixel (i + 0.5) r - 0.5; align_corners i (input - 1) / (output - 1); asymmetric i r, for
    "nearest" as i / (1 / r) in float32, as MegEngine and onnxruntime compute it.
    Mode "nearest" takes the floor of that place (half_pixel: rounds half down), "linear" and
    "cubic" (Keys, a = `cubic_a`) interpolate with the border repeated. Where `scale` is set,
    r is 1 / scale instead.
    """

    size: Shape
    mode: str
    coordinates: str = "half_pixel"
    cubic_a: float = -0.75
    scale: tuple[float, ...] | None = None

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        if len(self.size) != x.rank - 2:
            raise ShapeError(f"size {self.size} for {x}")
        if self.mode not in MODES or self.coordinates not in COORDINATES:
            raise ShapeError(f"{self} is not a known way to resize")
        return (TensorType(x.dtype, (*x.shape[:2], *self.size)),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        (x,) = arrays
        y = x if x.dtype.kind == "f" and x.dtype.itemsize > 2 else x.astype(np.float32)
        for axis, out in enumerate(numbers(self.size)):
            y = self._resample(y, axis + 2, out, None if self.scale is None else self.scale[axis])
        return (y.astype(x.dtype, copy=False),)

    def _resample(self, x: Array, axis: int, out: int, scale: float | None) -> Array:
        size = x.shape[axis]
        place = self._places(size, out, scale)
        if self.mode == "nearest":
            half = self.coordinates == "half_pixel"
            index = np.ceil(place - 0.5) if half else np.floor(place)
            return np.take(x, np.clip(index, 0, size - 1).astype(np.int64), axis)
        base = np.floor(place)
        weights = self._weights(place - base)
        shape = [1] * x.ndim
        shape[axis] = out
        first = 0 if self.mode == "linear" else -1
        result = np.zeros((*x.shape[:axis], out, *x.shape[axis + 1 :]), x.dtype)
        for i, weight in enumerate(weights):
            index = np.clip(base + first + i, 0, size - 1).astype(np.int64)
            result += np.take(x, index, axis) * weight.reshape(shape).astype(x.dtype)
        return result

    def _places(self, size: int, out: int, scale: float | None) -> Array:
        if self.mode == "nearest" and self.coordinates == "asymmetric":
            grown = np.float32(out / size if scale is None else scale)
            return np.arange(out, dtype=np.float32) / grown
        i = np.arange(out, dtype=np.float64)
        ratio = size / out if scale is None else 1 / scale
        if self.coordinates == "half_pixel":
            return (i + 0.5) * ratio - 0.5
        if self.coordinates == "align_corners":
            return i * ((size - 1) / (out - 1) if out > 1 else 0.0)
        return i * ratio

    def _weights(self, t: Array) -> tuple[Array, ...]:
        if self.mode == "linear":
            return (1 - t, t)
        a = self.cubic_a

        def near(d: Array) -> Array:
            return ((a + 2) * d - (a + 3)) * d * d + 1

        def far(d: Array) -> Array:
            return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

        return (far(1 + t), near(t), near(1 - t), far(2 - t))

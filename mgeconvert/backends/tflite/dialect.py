"""Operators as TFLite has them: images are N,H,W,C. They exist between legalizing and writing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mgeconvert.errors import ShapeError
from mgeconvert.ir import Array, Layout, Op, Quant, TensorType, op, ops
from mgeconvert.ir.dims import Dim, Shape
from mgeconvert.ir.op import Arrays, Types
from mgeconvert.ir.quantize import fake_quantize

Pairs = tuple[tuple[int, int], ...]


def to_last(rank: int) -> tuple[int, ...]:
    """Return the permutation that puts the channels of N,C,spatial last."""
    return (0, *range(2, rank), 1)


def to_first(rank: int) -> tuple[int, ...]:
    """Return the permutation that puts the channels of N,spatial,C second."""
    return (0, rank - 1, *range(1, rank - 1))


def window_count(size: Dim, *, kernel: int, stride: int, dilation: int, same: bool) -> Dim:
    """Return how many windows there are along an axis of `size`."""
    if same:
        return (size + stride - 1) // stride
    return (size - dilation * (kernel - 1) - 1) // stride + 1


def same_padding(size: int, *, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """Return the padding that TFLite's SAME means: the odd element goes to the end."""
    count = -(-size // stride)
    total = max((count - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return total // 2, total - total // 2


class Windowed(Op):
    """Base of the operators with windows over the spatial axes; `same` is TFLite's SAME."""

    stride: tuple[int, ...]
    same: bool

    def windows(self, x: TensorType, kernel: Sequence[Dim], dilation: Sequence[int]) -> Shape:
        """Return the spatial sizes of the result."""
        return tuple(
            window_count(n, kernel=_whole(k), stride=s, dilation=d, same=self.same)
            for n, k, s, d in zip(x.shape[1:-1], kernel, self.stride, dilation)
        )

    def padding(self, x: Array, kernel: Sequence[int], dilation: Sequence[int]) -> Pairs:
        """Return the padding in numbers."""
        if not self.same:
            return ((0, 0),) * len(self.stride)
        return tuple(
            same_padding(n, kernel=k, stride=s, dilation=d)
            for n, k, s, d in zip(x.shape[1:-1], kernel, self.stride, dilation)
        )


@op("x w b?")
class TflConv(Windowed):
    """A convolution: x is N,spatial,C, w is O,spatial,C / groups (three spatial axes: spatial,C,O).

    CONV_2D and CONV_3D.
    """

    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    same: bool = False

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        x, w = types[:2]
        if x.rank != w.rank or x.rank not in (4, 5):
            raise ShapeError(f"{x} and {w}")
        kernel, out, channels = _filter(w)
        if isinstance(x.shape[-1], int) and isinstance(channels, int) and x.shape[-1] % channels:
            raise ShapeError(f"{x} and {w}")
        sizes = self.windows(x, kernel, self.dilation)
        return (TensorType(x.dtype, (x.shape[0], *sizes, out)),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        x, w, *bias = arrays
        filters = w.transpose(4, 3, 0, 1, 2) if x.ndim == 5 else _first(w)
        op = ops.Conv(
            stride=self.stride,
            padding=self.padding(x, filters.shape[2:], self.dilation),
            dilation=self.dilation,
            groups=x.shape[-1] // filters.shape[1],
        )
        return (_last(op.eval([_first(x), filters, *bias])[0]),)


def _filter(w: TensorType) -> tuple[Shape, Dim, Dim]:
    """Return kernel, output channels and channels of each filter."""
    if w.rank == 5:
        return w.shape[:3], w.shape[4], w.shape[3]
    return w.shape[1:-1], w.shape[0], w.shape[-1]


@op("x w b?")
class TflDepthwise(Windowed):
    """Each channel with filters of its own: w is 1,H,W,C * multiplier. DEPTHWISE_CONV_2D."""

    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    same: bool = False

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        x, w = types[:2]
        if x.rank != 4 or w.rank != 4 or w.shape[0] != 1:
            raise ShapeError(f"{x} and {w}")
        sizes = self.windows(x, w.shape[1:-1], self.dilation)
        return (TensorType(x.dtype, (x.shape[0], *sizes, w.shape[-1])),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        x, w, *bias = arrays
        op = ops.Conv(
            stride=self.stride,
            padding=self.padding(x, w.shape[1:-1], self.dilation),
            dilation=self.dilation,
            groups=x.shape[-1],
        )
        return (_last(op.eval([_first(x), w.transpose(3, 0, 1, 2), *bias])[0]),)


@op("x w b?")
class TflTransposeConv(Op):
    """The gradient of a convolution by its input: w is O,spatial,C (three axes: spatial,O,C).

    TRANSPOSE_CONV and CONV_3D_TRANSPOSE. `size` is the spatial size of the result. Padding VALID
    keeps all of it, SAME cuts what a SAME convolution of that size would have added.
    """

    stride: tuple[int, ...]
    size: Shape
    same: bool = False

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        x, w = types[:2]
        if x.rank != w.rank or x.rank not in (4, 5) or x.shape[-1] != w.shape[-1]:
            raise ShapeError(f"{x} and {w}")
        out = w.shape[0] if x.rank == 4 else w.shape[3]
        return (TensorType(x.dtype, (x.shape[0], *self.size, out)),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        x, w, *bias = arrays
        filters = w.transpose(3, 0, 1, 2) if x.ndim == 4 else w.transpose(4, 3, 0, 1, 2)
        kernel, spatial = filters.shape[2:], len(self.stride)
        sizes = [_whole(n) for n in self.size]
        pads, extra = [], []
        for n, k, s, out in zip(x.shape[1:-1], kernel, self.stride, sizes):
            before, _ = same_padding(out, kernel=k, stride=s) if self.same else (0, 0)
            rest = (n - 1) * s + k - before - out
            pads.append((before, max(rest, 0)))
            extra.append(max(-rest, 0))
        made = ops.ConvTranspose(
            stride=self.stride,
            padding=tuple(pads),
            output_padding=tuple(extra),
            dilation=(1,) * spatial,
        )
        return (_last(made.eval([_first(x), filters, *bias])[0]),)


@op("x")
class TflMaxPool(Windowed):
    """The greatest element of each window. MAX_POOL_2D."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    same: bool = False

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        ones = (1,) * len(self.kernel)
        return (
            TensorType(x.dtype, (x.shape[0], *self.windows(x, self.kernel, ones), x.shape[-1])),
        )

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        (x,) = arrays
        ones = (1,) * len(self.kernel)
        pads = self.padding(x, self.kernel, ones)
        made = ops.MaxPool(kernel=self.kernel, stride=self.stride, padding=pads)
        return (_last(made.eval([_first(x)])[0]),)


@op("x")
class TflAvgPool(Windowed):
    """The mean of the part of each window that is inside of x. AVERAGE_POOL_2D."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    same: bool = False

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        ones = (1,) * len(self.kernel)
        return (
            TensorType(x.dtype, (x.shape[0], *self.windows(x, self.kernel, ones), x.shape[-1])),
        )

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        (x,) = arrays
        ones = (1,) * len(self.kernel)
        pads = self.padding(x, self.kernel, ones)
        made = ops.AvgPool(kernel=self.kernel, stride=self.stride, padding=pads)
        return (_last(made.eval([_first(x)])[0]),)


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
            return (_last(made.eval([_first(x)])[0]),)
        for axis, out in enumerate(self.size, 1):
            x = np.take(x, self._nearest(x.shape[axis], _whole(out)), axis)
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


@op("x")
class TflSpaceToDepth(Op):
    """N,H,W,C to N,H / size,W / size,C * size**2; channel order (size, size, C)."""

    size: int

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        n, h, w, c = x.shape
        return (TensorType(x.dtype, (n, h // self.size, w // self.size, c * self.size**2)),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        (x,) = arrays
        n, h, w, c = x.shape
        r = self.size
        blocks = x.reshape(n, h // r, r, w // r, r, c).transpose(0, 1, 3, 2, 4, 5)
        return (blocks.reshape(n, h // r, w // r, c * r * r),)


class LastAxis(Op):
    """Base of the operators that work along the last axis."""

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        if x.rank < 1:
            raise ShapeError(f"{x} has no axis")
        return (x,)


@op("x")
class TflSoftmax(LastAxis):
    """exp(x) / sum(exp(x)) along the last axis. SOFTMAX."""

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        return ops.Softmax(axis=arrays[0].ndim - 1).eval(arrays)


@op("x")
class TflLogSoftmax(LastAxis):
    """log(exp(x) / sum(exp(x))) along the last axis. LOG_SOFTMAX."""

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        return ops.LogSoftmax(axis=arrays[0].ndim - 1).eval(arrays)


@op("x", layout=Layout.AGNOSTIC)
class TflQuantize(Op):
    """x as the whole numbers that the result's parameters say, half away from zero. QUANTIZE."""

    quant: Quant

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        return tuple(types)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        return (fake_quantize(arrays[0], self.quant),)


@op("x", layout=Layout.AGNOSTIC)
class TflDequantize(Op):
    """The numbers that whole numbers stand for. DEQUANTIZE."""

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        return tuple(types)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        return tuple(arrays)


def _first(x: Array) -> Array:
    return x.transpose(to_first(x.ndim))


def _last(x: Array) -> Array:
    return x.transpose(to_last(x.ndim))


def _whole(n: Any) -> int:
    if not isinstance(n, int):
        raise ShapeError(f"the size {n} is known at run time only")
    return n

"""Operators with windows over the pixels of N,spatial,C."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from mgeconvert.backends.tflite.dialect.layouts import Pairs, first, last, whole
from mgeconvert.errors import ShapeError
from mgeconvert.ir import Array, Op, TensorType, op, ops
from mgeconvert.ir.dims import Dim, Shape
from mgeconvert.ir.op import Arrays, Types


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
            window_count(n, kernel=whole(k), stride=s, dilation=d, same=self.same)
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
        filters = w.transpose(4, 3, 0, 1, 2) if x.ndim == 5 else first(w)
        op = ops.Conv(
            stride=self.stride,
            padding=self.padding(x, filters.shape[2:], self.dilation),
            dilation=self.dilation,
            groups=x.shape[-1] // filters.shape[1],
        )
        return (last(op.eval([first(x), filters, *bias])[0]),)


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
        return (last(op.eval([first(x), w.transpose(3, 0, 1, 2), *bias])[0]),)


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
        sizes = [whole(n) for n in self.size]
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
        return (last(made.eval([first(x), filters, *bias])[0]),)


class TflPool(Windowed):
    """Base of the pooling operators; `pool` is the IR's operator that computes the same."""

    pool: ClassVar[type[ops.MaxPool] | type[ops.AvgPool]]
    kernel: tuple[int, ...]

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        sizes = self.windows(x, self.kernel, (1,) * len(self.kernel))
        return (TensorType(x.dtype, (x.shape[0], *sizes, x.shape[-1])),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        (x,) = arrays
        pads = self.padding(x, self.kernel, (1,) * len(self.kernel))
        made = self.pool(kernel=self.kernel, stride=self.stride, padding=pads)
        return (last(made.eval([first(x)])[0]),)


@op("x")
class TflMaxPool(TflPool):
    """The greatest element of each window. MAX_POOL_2D."""

    pool = ops.MaxPool
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    same: bool = False


@op("x")
class TflAvgPool(TflPool):
    """The mean of the part of each window that is inside of x. AVERAGE_POOL_2D."""

    pool = ops.AvgPool
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    same: bool = False

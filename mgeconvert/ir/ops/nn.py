"""Operators of neural networks; images are N,C,spatial axes, filters are O,I,spatial axes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from mgeconvert.errors import ShapeError
from mgeconvert.ir.dims import Dim
from mgeconvert.ir.op import Array, Arrays, Layout, Op, Types, op
from mgeconvert.ir.ops.infer import Pairs, broadcast, same_dtype, window_size
from mgeconvert.ir.types import TensorType


def _need_bias(types: Types, channels: Dim) -> None:
    if len(types) > 2 and types[2].shape != (channels,):
        raise ShapeError(f"the bias is {types[2]}, not one number for each of {channels} channels")


def _add_bias(y: Array, arrays: Arrays) -> Array:
    return y + arrays[2].reshape(-1, *(1,) * (y.ndim - 2)) if len(arrays) > 2 else y


def _pad(x: Array, padding: Pairs, value: float = 0.0) -> Array:
    if not any(map(any, padding)):
        return x
    return np.pad(x, ((0, 0), (0, 0), *padding), constant_values=value)


@op("x w b?")
class Conv(Op):
    """Cross-correlation over 1, 2 or 3 spatial axes; w is (O, C / groups, *kernel)."""

    stride: tuple[int, ...]
    padding: Pairs
    dilation: tuple[int, ...]
    groups: int = 1

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        x, w = types[:2]
        dtype = same_dtype(types)
        spatial = x.rank - 2
        if spatial < 1 or w.rank != x.rank or x.shape[1] != w.shape[1] * self.groups:
            raise ShapeError(f"x is {x}, w is {w}, groups is {self.groups}")
        if not spatial == len(self.stride) == len(self.padding) == len(self.dilation):
            raise ShapeError(f"{self} does not fit {spatial} spatial axes")
        if isinstance(w.shape[0], int) and w.shape[0] % self.groups:
            raise ShapeError(f"{w.shape[0]} filters do not divide into {self.groups} groups")
        _need_bias(types, w.shape[0])
        sizes = tuple(
            window_size(n, k, stride=s, pad=sum(p), dilation=d)
            for n, k, s, p, d in zip(
                x.shape[2:], w.shape[2:], self.stride, self.padding, self.dilation
            )
        )
        return (TensorType(dtype, (x.shape[0], w.shape[0], *sizes)),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        x, w = arrays[:2]
        x = _pad(x, self.padding)
        size = [
            (n - d * (k - 1) - 1) // s + 1
            for n, k, s, d in zip(x.shape[2:], w.shape[2:], self.stride, self.dilation)
        ]
        g, n = self.groups, x.shape[0]
        filters = w.reshape(g, w.shape[0] // g, w.shape[1], *w.shape[2:])
        total = np.zeros((n, g, w.shape[0] // g, int(np.prod(size))), x.dtype)
        for place in np.ndindex(*w.shape[2:]):
            window = x[_reach(place, size, self.stride, self.dilation)]
            columns = window.reshape(n, g, x.shape[1] // g, -1)
            total += filters[_at(place)] @ columns
        return (_add_bias(total.reshape(n, w.shape[0], *size), arrays).astype(x.dtype, copy=False),)


def _reach(
    place: tuple[int, ...], size: list[int], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[Any, ...]:
    """Index the elements that one place of the kernel meets, over all windows."""
    starts = [p * d for p, d in zip(place, dilation)]
    return _at(tuple(slice(a, a + (n - 1) * s + 1, s) for a, n, s in zip(starts, size, stride)))


def _at(spatial: tuple[int | slice, ...]) -> tuple[Any, ...]:
    """Index the last axes."""
    return (Ellipsis, *spatial)


@op("x w b?")
class ConvTranspose(Op):
    """The gradient of a convolution by its input; w is (C, O / groups, *kernel).

    `padding` is cut off the full result, `output_padding` added at the end of each axis.
    """

    stride: tuple[int, ...]
    padding: Pairs
    output_padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int = 1

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        x, w = types[:2]
        dtype = same_dtype(types)
        spatial = x.rank - 2
        if spatial < 1 or w.rank != x.rank or x.shape[1] != w.shape[0]:
            raise ShapeError(f"x is {x}, w is {w}")
        if isinstance(w.shape[0], int) and w.shape[0] % self.groups:
            raise ShapeError(f"{w.shape[0]} channels do not divide into {self.groups} groups")
        channels = w.shape[1] * self.groups
        _need_bias(types, channels)
        sizes = tuple(
            (n - 1) * s - sum(p) + d * (k - 1) + 1 + extra
            for n, k, s, p, d, extra in zip(
                x.shape[2:],
                w.shape[2:],
                self.stride,
                self.padding,
                self.dilation,
                self.output_padding,
            )
        )
        if any(isinstance(n, int) and n < 1 for n in sizes):
            raise ShapeError(f"{self} leaves nothing of {x}: {sizes}")
        return (TensorType(dtype, (x.shape[0], channels, *sizes)),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        x, w = arrays[:2]
        g, n = self.groups, x.shape[0]
        full = [
            (size - 1) * s + d * (k - 1) + 1 + extra
            for size, k, s, d, extra in zip(
                x.shape[2:], w.shape[2:], self.stride, self.dilation, self.output_padding
            )
        ]
        out = w.shape[1]
        total = np.zeros((n, g, out, *full), x.dtype)
        columns = x.reshape(n, g, x.shape[1] // g, -1)
        filters = w.reshape(g, w.shape[0] // g, *w.shape[1:]).swapaxes(1, 2)
        for place in np.ndindex(*w.shape[2:]):
            part = filters[_at(place)] @ columns
            index = _reach(place, list(x.shape[2:]), self.stride, self.dilation)
            total[index] += part.reshape(n, g, out, *x.shape[2:])
        total = total.reshape(n, g * out, *full)
        crop = tuple(slice(a, size - b) for (a, b), size in zip(self.padding, full))
        return (_add_bias(total[_at(crop)], arrays).astype(x.dtype, copy=False),)


@op("x w b?", layout=Layout.AXES)
class Linear(Op):
    """x @ w.T + b over the last axis of x, of any rank; w is (O, I)."""

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        x, w = types[:2]
        dtype = same_dtype(types)
        if x.rank < 1 or w.rank != 2 or x.shape[-1] != w.shape[1]:
            raise ShapeError(f"x is {x}, w is {w}")
        _need_bias(types, w.shape[0])
        return (TensorType(dtype, (*x.shape[:-1], w.shape[0])),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        x, w = arrays[:2]
        y = x @ w.T
        return ((y + arrays[2] if len(arrays) > 2 else y).astype(x.dtype, copy=False),)


@op("a b", layout=Layout.AXES)
class MatMul(Op):
    """The matrix product of the last two axes, with the axes before them broadcast."""

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        a, b = types
        dtype = same_dtype(types)
        if a.rank < 2 or b.rank < 2 or a.shape[-1] != b.shape[-2]:
            raise ShapeError(f"{a} and {b} cannot be multiplied")
        lead = broadcast([a.shape[:-2], b.shape[:-2]])
        return (TensorType(dtype, (*lead, a.shape[-2], b.shape[-1])),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        return (np.matmul(*arrays),)


class Pool(Op):
    """Base of the pooling operators.

    With `ceil_mode` a last window may start inside and reach outside the padded input.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Pairs
    ceil_mode: bool

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        spatial = x.rank - 2
        if not spatial == len(self.kernel) == len(self.stride) == len(self.padding):
            raise ShapeError(f"{self} does not fit {x}")
        sizes = tuple(map(self._windows, range(spatial), x.shape[2:]))
        return (TensorType(x.dtype, (*x.shape[:2], *sizes)),)

    def _windows(self, axis: int, size: Dim) -> Dim:
        k, s, (before, after) = self.kernel[axis], self.stride[axis], self.padding[axis]
        if not self.ceil_mode:
            return window_size(size, k, stride=s, pad=before + after, dilation=1)
        # ceil((size + before + after - k) / s) + 1, less one where that window would start outside
        # of size + before: the divisions differ in what is added, so one is less for every size.
        whole = after - k + 2 * s - 1
        count = (size + before + min(whole, max(s - 1, whole - s))) // s
        if isinstance(count, int) and count < 1:
            raise ShapeError(f"a window of {k} does not fit {size} with padding {before + after}")
        return count

    def _slices(self, shape: tuple[int, ...]) -> tuple[list[int], Pairs]:
        """The number of windows, and the padding that gives all of them full windows."""
        counts = [int(self._windows(i, n)) for i, n in enumerate(shape)]  # type: ignore[arg-type]
        pads = []
        for i, (n, count) in enumerate(zip(shape, counts)):
            before = self.padding[i][0]
            reach = (count - 1) * self.stride[i] + self.kernel[i]
            pads.append((before, max(reach - n - before, 0)))
        return counts, tuple(pads)


@op("x")
class MaxPool(Pool):
    """The greatest element of each window; padding never wins."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Pairs
    ceil_mode: bool = False

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        (x,) = arrays
        counts, pads = self._slices(x.shape[2:])
        lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        padded = _pad(x, pads, lowest)
        ones = (1,) * len(self.kernel)
        result = None
        for place in np.ndindex(*self.kernel):
            window = padded[_reach(place, counts, self.stride, ones)]
            result = window.copy() if result is None else np.maximum(result, window, out=result)
        assert result is not None
        return (result,)


@op("x")
class AvgPool(Pool):
    """The mean of each window, over its size or, without `count_padding`, its part inside x."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Pairs
    ceil_mode: bool = False
    count_padding: bool = False

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        (x,) = arrays
        wide = x.astype(np.float32) if x.dtype == np.float16 else x
        counts, pads = self._slices(x.shape[2:])
        total = self._sum(_pad(wide, pads), counts)
        inside = np.ones((1, 1, *x.shape[2:]), wide.dtype)
        if self.count_padding:
            inside = _pad(inside, self.padding, 1.0)
            rest = tuple(
                (0, max(after - own, 0)) for (_, after), (_, own) in zip(pads, self.padding)
            )
        else:
            rest = pads
        return ((total / self._sum(_pad(inside, rest), counts)).astype(x.dtype, copy=False),)

    def _sum(self, x: Array, counts: list[int]) -> Array:
        ones = (1,) * len(self.kernel)
        total = np.zeros((*x.shape[:2], *counts), x.dtype)
        for place in itertools.product(*map(range, self.kernel)):
            total += x[_reach(place, counts, self.stride, ones)]
        return total

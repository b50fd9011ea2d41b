"""Operators that reduce, order or accumulate along axes."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from mgeconvert.errors import ShapeError
from mgeconvert.ir.op import Array, Arrays, Layout, Op, Types, op
from mgeconvert.ir.ops.elementwise import Ufunc
from mgeconvert.ir.ops.infer import need_axis
from mgeconvert.ir.types import DType, TensorType


class Reduction(Op):
    """Base: reduces over `axes`, all of them named; the element type stays."""

    compute: ClassVar[Ufunc]
    reduced: tuple[int, ...]
    keepdims: bool

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        for axis in self.reduced:
            need_axis(axis, x.rank)
        if len(set(self.reduced)) != len(self.reduced):
            raise ShapeError(f"axes {self.reduced} name one twice")
        if self.keepdims:
            shape = tuple(1 if i in self.reduced else d for i, d in enumerate(x.shape))
        else:
            shape = tuple(d for i, d in enumerate(x.shape) if i not in self.reduced)
        return (TensorType(x.dtype, shape),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        (x,) = arrays
        wide = x.astype(np.float32) if x.dtype == np.float16 else x
        result = type(self).compute(wide, axis=self.reduced, keepdims=self.keepdims)
        return (np.asarray(result).astype(x.dtype, copy=False),)


@op("x", layout=Layout.AXES, axes="reduced")
class ReduceSum(Reduction):
    """The sum."""

    reduced: tuple[int, ...]
    keepdims: bool = False
    compute = staticmethod(np.sum)


@op("x", layout=Layout.AXES, axes="reduced")
class ReduceMean(Reduction):
    """The mean."""

    reduced: tuple[int, ...]
    keepdims: bool = False
    compute = staticmethod(np.mean)


@op("x", layout=Layout.AXES, axes="reduced")
class ReduceMax(Reduction):
    """The greatest element; of none the least number there is."""

    reduced: tuple[int, ...]
    keepdims: bool = False

    @staticmethod
    def compute(x: Array, **how: Any) -> Array:
        return np.max(x, initial=_limits(x)[0], **how)


@op("x", layout=Layout.AXES, axes="reduced")
class ReduceMin(Reduction):
    """The least element; of none the greatest number there is."""

    reduced: tuple[int, ...]
    keepdims: bool = False

    @staticmethod
    def compute(x: Array, **how: Any) -> Array:
        return np.min(x, initial=_limits(x)[1], **how)


def _limits(x: Array) -> tuple[float, float]:
    """Return the least and the greatest number of an array's element type."""
    if x.dtype.kind == "f":
        return -np.inf, np.inf
    if x.dtype.kind == "b":
        return False, True
    return np.iinfo(x.dtype).min, np.iinfo(x.dtype).max


@op("x", layout=Layout.AXES, axes="reduced")
class ReduceProd(Reduction):
    """The product."""

    reduced: tuple[int, ...]
    keepdims: bool = False
    compute = staticmethod(np.prod)


class Arg(Op):
    """Base of ArgMax and ArgMin: the index of the first extreme element, as int64."""

    compute: ClassVar[Ufunc]
    axis: int
    keepdims: bool

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        need_axis(self.axis, x.rank)
        shape = list(x.shape)
        shape[self.axis : self.axis + 1] = [1] * self.keepdims
        return (TensorType(DType.I64, tuple(shape)),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        index = type(self).compute(arrays[0], self.axis)
        if self.keepdims:
            index = np.expand_dims(index, self.axis)
        return (np.asarray(index, np.int64),)


@op("x", layout=Layout.AXES, axes="axis")
class ArgMax(Arg):
    """The index of the first greatest element."""

    axis: int
    keepdims: bool = False
    compute = staticmethod(np.argmax)


@op("x", layout=Layout.AXES, axes="axis")
class ArgMin(Arg):
    """The index of the first least element."""

    axis: int
    keepdims: bool = False
    compute = staticmethod(np.argmin)


@op("x", layout=Layout.AXES, axes="axis")
class TopK(Op):
    """The k greatest (or least) elements in order, and their int64 indices; ties by index."""

    axis: int
    k: int
    largest: bool = True

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        need_axis(self.axis, x.rank)
        size = x.shape[self.axis]
        if self.k < 0 or (isinstance(size, int) and self.k > size):
            raise ShapeError(f"k is {self.k} where the axis has {size} elements")
        shape = (*x.shape[: self.axis], self.k, *x.shape[self.axis + 1 :])
        return (TensorType(x.dtype, shape), TensorType(DType.I64, shape))

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        (x,) = arrays
        if self.largest:  # the last of equals in reversed order is the first in index order
            flipped = np.argsort(np.flip(x, self.axis), self.axis, kind="stable")
            order = np.flip(x.shape[self.axis] - 1 - flipped, self.axis)
        else:
            order = np.argsort(x, self.axis, kind="stable")
        index = np.take(order, np.arange(self.k), self.axis).astype(np.int64)
        return (np.take_along_axis(x, index, self.axis), index)


@op("x", layout=Layout.AXES, axes="axis")
class CumSum(Op):
    """Running sums along `axis`; exclusive leaves the own element out, reverse runs backwards."""

    axis: int
    exclusive: bool = False
    reverse: bool = False

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        need_axis(self.axis, types[0].rank)
        return (types[0],)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        (x,) = arrays
        x = np.flip(x, self.axis) if self.reverse else x
        sums = np.cumsum(x, self.axis, dtype=x.dtype)
        sums = sums - x if self.exclusive else sums
        return (np.flip(sums, self.axis) if self.reverse else sums,)


@op("x", layout=Layout.AXES, axes="axis")
class Softmax(Op):
    """exp(x) / sum(exp(x)) along one axis."""

    axis: int

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        need_axis(self.axis, types[0].rank)
        return (types[0],)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        (x,) = arrays
        wide = x.astype(np.float32) if x.dtype == np.float16 else x
        e = np.exp(wide - wide.max(self.axis, keepdims=True))
        return ((e / e.sum(self.axis, keepdims=True)).astype(x.dtype, copy=False),)


@op("x", layout=Layout.AXES, axes="axis")
class LogSoftmax(Op):
    """log(exp(x) / sum(exp(x))) along one axis."""

    axis: int

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        need_axis(self.axis, types[0].rank)
        return (types[0],)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        (x,) = arrays
        wide = x.astype(np.float32) if x.dtype == np.float16 else x
        shifted = wide - wide.max(self.axis, keepdims=True)
        log_sum = np.log(np.exp(shifted).sum(self.axis, keepdims=True))
        return ((shifted - log_sum).astype(x.dtype, copy=False),)

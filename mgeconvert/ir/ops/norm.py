"""Normalisation operators."""

from __future__ import annotations

import math

import numpy as np

from mgeconvert.errors import ShapeError
from mgeconvert.ir.op import Array, Arrays, Layout, Op, Types, op
from mgeconvert.ir.ops.elementwise import Ufunc
from mgeconvert.ir.ops.infer import same_dtype
from mgeconvert.ir.types import TensorType

_AFFINE: tuple[Ufunc, Ufunc] = (np.multiply, np.add)


def _channelwise(x: Array, vector: Array) -> Array:
    return vector.reshape(-1, *(1,) * (x.ndim - 2))


def _wide(x: Array) -> Array:
    return x.astype(np.float32) if x.dtype == np.float16 else x


@op("x scale bias mean variance")
class BatchNorm(Op):
    """(x - mean) / sqrt(variance + epsilon) * scale + bias, by channel (axis 1)."""

    epsilon: float

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        x, *vectors = types
        if x.rank < 2 or any(v.shape != (x.shape[1],) for v in vectors):
            raise ShapeError(f"statistics {', '.join(map(str, vectors))} for {x}")
        same_dtype(types)
        return (x,)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        x = _wide(arrays[0])
        scale, bias, mean, variance = (_channelwise(x, _wide(v)) for v in arrays[1:])
        factor = scale / np.sqrt(variance + x.dtype.type(self.epsilon))
        return (((x - mean) * factor + bias).astype(arrays[0].dtype, copy=False),)


@op("x scale? bias?", layout=Layout.AXES)
class LayerNorm(Op):
    """Mean 0 and variance 1 over the axes from `axis` on, then * scale + bias of their shape."""

    axis: int
    epsilon: float

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        x, *affine = types
        same_dtype(types)
        if not 0 <= self.axis < x.rank or any(a.shape != x.shape[self.axis :] for a in affine):
            raise ShapeError(f"{self} of {x} with {', '.join(map(str, affine)) or 'no scale'}")
        return (x,)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        x = _wide(arrays[0])
        y = _standardize(x, tuple(range(self.axis, x.ndim)), self.epsilon)
        for array, combine in zip(arrays[1:], _AFFINE):
            y = combine(y, array)
        return (y.astype(arrays[0].dtype, copy=False),)


@op("x scale? bias?")
class GroupNorm(Op):
    """Mean 0 and variance 1 over each group of channels, then * scale + bias by channel.

    As many groups as channels make it an instance norm.
    """

    groups: int
    epsilon: float

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        x, *affine = types
        same_dtype(types)
        if x.rank < 3 or any(a.shape != (x.shape[1],) for a in affine):
            raise ShapeError(f"{self} of {x} with {', '.join(map(str, affine)) or 'no scale'}")
        if isinstance(x.shape[1], int) and x.shape[1] % self.groups:
            raise ShapeError(f"{x.shape[1]} channels do not divide into {self.groups} groups")
        return (x,)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        x = _wide(arrays[0])
        n, c = x.shape[:2]
        grouped = x.reshape(n, self.groups, c // self.groups * math.prod(x.shape[2:]))
        y = _standardize(grouped, (2,), self.epsilon).reshape(x.shape)
        for array, combine in zip(arrays[1:], _AFFINE):
            y = combine(y, _channelwise(x, array))
        return (y.astype(arrays[0].dtype, copy=False),)


@op("x")
class LocalResponseNorm(Op):
    """x / (k + alpha / size * sum of squares over `size` channels around) ** beta."""

    size: int
    alpha: float
    beta: float
    k: float

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        if types[0].rank < 3:
            raise ShapeError(f"{types[0]} has no channels and positions")
        return (types[0],)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        (x,) = arrays
        before = (self.size - 1) // 2
        after = self.size - 1 - before
        squares = np.pad(x * x, ((0, 0), (before, after), *((0, 0),) * (x.ndim - 2)))
        total = sum(squares[:, i : i + x.shape[1]] for i in range(self.size))
        return ((x / (self.k + self.alpha / self.size * total) ** self.beta).astype(x.dtype),)


def _standardize(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    mean = x.mean(axes, keepdims=True)
    centred = x - mean
    variance = np.square(centred).mean(axes, keepdims=True)
    return centred / np.sqrt(variance + x.dtype.type(epsilon))

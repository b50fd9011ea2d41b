"""Activation functions: elementwise operators that targets know by name."""

from __future__ import annotations

import math

import numpy as np

from mgeconvert.errors import ShapeError
from mgeconvert.ir.op import Array, Arrays, Layout, Types, op
from mgeconvert.ir.ops.elementwise import Elementwise
from mgeconvert.ir.ops.infer import broadcast, same_dtype
from mgeconvert.ir.types import TensorType

_ERF = np.frompyfunc(math.erf, 1, 1)


class Activation(Elementwise):
    """Base: `apply` computes in float32 or wider, the result has the operand's element type."""

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        if not types[0].dtype.is_float:
            raise ShapeError(f"{type(self).__name__} of {types[0]}: float is needed")
        return super().infer(types)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        x = arrays[0]
        wide = x.astype(np.float32) if x.dtype == np.float16 else x
        with np.errstate(all="ignore"):
            return (np.asarray(self.apply(wide)).astype(x.dtype, copy=False),)

    def apply(self, x: Array) -> Array:
        raise NotImplementedError


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(-x)) without overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


def softplus(x: Array) -> Array:
    """Return log(1 + exp(x)) without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


@op("x", layout=Layout.AGNOSTIC)
class Relu(Elementwise):
    """max(x, 0)."""

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        return (np.maximum(arrays[0], arrays[0].dtype.type(0)),)


@op("x", layout=Layout.AGNOSTIC)
class Clip(Elementwise):
    """min(max(x, low), high)."""

    low: float
    high: float

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        (x,) = arrays
        limits = np.iinfo(x.dtype) if x.dtype.kind in "iu" else None
        low = self.low if limits is None else max(self.low, limits.min)
        high = self.high if limits is None else min(self.high, limits.max)
        return (np.minimum(np.maximum(x, x.dtype.type(low)), x.dtype.type(high)),)


@op("x", layout=Layout.AGNOSTIC)
class LeakyRelu(Activation):
    """x if x > 0, else alpha * x."""

    alpha: float

    def apply(self, x: Array) -> Array:
        return np.where(x > 0, x, x.dtype.type(self.alpha) * x)


@op("x slope", layout=Layout.AGNOSTIC)
class PRelu(Elementwise):
    """x if x > 0, else slope * x; the slope broadcasts to x."""

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        x, slope = types
        same_dtype(types)
        if broadcast([x.shape, slope.shape]) != x.shape:
            raise ShapeError(f"the slope {slope} does not broadcast to {x}")
        return (x,)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        x, slope = arrays
        return (np.where(x > 0, x, slope * x),)


@op("x", layout=Layout.AGNOSTIC)
class Elu(Activation):
    """x if x > 0, else alpha * (exp(x) - 1)."""

    alpha: float = 1.0

    def apply(self, x: Array) -> Array:
        return np.where(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0)))


@op("x", layout=Layout.AGNOSTIC)
class Selu(Activation):
    """gamma * (x if x > 0, else alpha * (exp(x) - 1)); constants of Klambauer et al. 2017."""

    alpha: float = 1.6732632423543772
    gamma: float = 1.0507009873554805

    def apply(self, x: Array) -> Array:
        return self.gamma * np.where(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0)))


@op("x", layout=Layout.AGNOSTIC)
class Sigmoid(Activation):
    """1 / (1 + exp(-x))."""

    def apply(self, x: Array) -> Array:
        return sigmoid(x)


@op("x", layout=Layout.AGNOSTIC)
class LogSigmoid(Activation):
    """log(1 / (1 + exp(-x)))."""

    def apply(self, x: Array) -> Array:
        return -softplus(-x)


@op("x", layout=Layout.AGNOSTIC)
class HardSigmoid(Activation):
    """clip(alpha * x + beta, 0, 1)."""

    alpha: float = 1 / 6
    beta: float = 0.5

    def apply(self, x: Array) -> Array:
        return np.clip(x * x.dtype.type(self.alpha) + x.dtype.type(self.beta), 0, 1)


@op("x", layout=Layout.AGNOSTIC)
class HardSwish(Activation):
    """x * clip(x + 3, 0, 6) / 6."""

    def apply(self, x: Array) -> Array:
        return x * np.clip(x + 3, 0, 6) / 6


@op("x", layout=Layout.AGNOSTIC)
class Silu(Activation):
    """x / (1 + exp(-x))."""

    def apply(self, x: Array) -> Array:
        return x * sigmoid(x)


@op("x", layout=Layout.AGNOSTIC)
class Softplus(Activation):
    """log(1 + exp(x))."""

    def apply(self, x: Array) -> Array:
        return softplus(x)


@op("x", layout=Layout.AGNOSTIC)
class Softsign(Activation):
    """x / (1 + |x|)."""

    def apply(self, x: Array) -> Array:
        return x / (1 + np.abs(x))


@op("x", layout=Layout.AGNOSTIC)
class Mish(Activation):
    """x * tanh(log(1 + exp(x)))."""

    def apply(self, x: Array) -> Array:
        return x * np.tanh(softplus(x))


@op("x", layout=Layout.AGNOSTIC)
class Erf(Activation):
    """The error function."""

    def apply(self, x: Array) -> Array:
        return np.asarray(_ERF(x.astype(np.float64)), np.float64)


@op("x", layout=Layout.AGNOSTIC)
class Gelu(Activation):
    """x * Phi(x), with the normal distribution's Phi exact ("none") or by "tanh"."""

    approximate: str = "none"

    def apply(self, x: Array) -> Array:
        if self.approximate == "tanh":
            inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
            return 0.5 * x * (1 + np.tanh(inner))
        return 0.5 * x * (1 + np.asarray(_ERF(x.astype(np.float64) / math.sqrt(2)), np.float64))

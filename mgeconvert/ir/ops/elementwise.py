"""Operators that work element by element, with numpy's broadcasting and one element type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from mgeconvert.errors import ShapeError
from mgeconvert.ir.op import Array, Arrays, Layout, Op, Types, op
from mgeconvert.ir.ops.infer import broadcast, same_dtype
from mgeconvert.ir.types import DType, TensorType

Ufunc = Callable[..., Any]


class Elementwise(Op):
    """Base: `compute` is applied to the arrays; the result has the operands' element type."""

    compute: ClassVar[Ufunc]

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        return (TensorType(same_dtype(types), broadcast([t.shape for t in types])),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        with np.errstate(all="ignore"):
            result = type(self).compute(*arrays)
        return (np.asarray(result).astype(arrays[0].dtype, copy=False),)


class Comparison(Elementwise):
    """Base of the operators whose result is bool."""

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        return (TensorType(DType.BOOL, super().infer(types)[0].shape),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        return (np.asarray(type(self).compute(*arrays)),)


@op("x", layout=Layout.AGNOSTIC)
class Identity(Elementwise):
    """x; what is left of dropout and other operators that do nothing in inference."""

    compute = staticmethod(np.asarray)


@op("x", layout=Layout.AGNOSTIC)
class Abs(Elementwise):
    """|x|."""

    compute = staticmethod(np.abs)


@op("x", layout=Layout.AGNOSTIC)
class Neg(Elementwise):
    """-x."""

    compute = staticmethod(np.negative)


@op("x", layout=Layout.AGNOSTIC)
class Sign(Elementwise):
    """-1, 0 or 1."""

    compute = staticmethod(np.sign)


@op("x", layout=Layout.AGNOSTIC)
class Exp(Elementwise):
    """e ** x."""

    compute = staticmethod(np.exp)


@op("x", layout=Layout.AGNOSTIC)
class Expm1(Elementwise):
    """e ** x - 1."""

    compute = staticmethod(np.expm1)


@op("x", layout=Layout.AGNOSTIC)
class Log(Elementwise):
    """The natural logarithm."""

    compute = staticmethod(np.log)


@op("x", layout=Layout.AGNOSTIC)
class Log1p(Elementwise):
    """The natural logarithm of 1 + x."""

    compute = staticmethod(np.log1p)


@op("x", layout=Layout.AGNOSTIC)
class Sqrt(Elementwise):
    """The square root."""

    compute = staticmethod(np.sqrt)


@op("x", layout=Layout.AGNOSTIC)
class Reciprocal(Elementwise):
    """1 / x."""

    compute = staticmethod(np.reciprocal)


@op("x", layout=Layout.AGNOSTIC)
class Floor(Elementwise):
    """The greatest integer not above x."""

    compute = staticmethod(np.floor)


@op("x", layout=Layout.AGNOSTIC)
class Ceil(Elementwise):
    """The least integer not below x."""

    compute = staticmethod(np.ceil)


@op("x", layout=Layout.AGNOSTIC)
class Round(Elementwise):
    """The nearest integer; `half` says where ties go: "away" from zero, or to "even"."""

    half: str = "away"

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        (x,) = arrays
        if self.half == "even":
            return (np.rint(x),)
        whole = np.trunc(x)
        with np.errstate(invalid="ignore"):  # infinity less itself
            up = np.abs(x - whole) >= 0.5
        return (whole + np.where(up, np.sign(x), 0).astype(x.dtype),)


@op("x", layout=Layout.AGNOSTIC)
class Sin(Elementwise):
    """The sine of x in radians."""

    compute = staticmethod(np.sin)


@op("x", layout=Layout.AGNOSTIC)
class Cos(Elementwise):
    """The cosine of x in radians."""

    compute = staticmethod(np.cos)


@op("x", layout=Layout.AGNOSTIC)
class Tan(Elementwise):
    """The tangent of x in radians."""

    compute = staticmethod(np.tan)


@op("x", layout=Layout.AGNOSTIC)
class Asin(Elementwise):
    """The arc sine in radians."""

    compute = staticmethod(np.arcsin)


@op("x", layout=Layout.AGNOSTIC)
class Acos(Elementwise):
    """The arc cosine in radians."""

    compute = staticmethod(np.arccos)


@op("x", layout=Layout.AGNOSTIC)
class Atan(Elementwise):
    """The arc tangent in radians."""

    compute = staticmethod(np.arctan)


@op("x", layout=Layout.AGNOSTIC)
class Sinh(Elementwise):
    """The hyperbolic sine."""

    compute = staticmethod(np.sinh)


@op("x", layout=Layout.AGNOSTIC)
class Cosh(Elementwise):
    """The hyperbolic cosine."""

    compute = staticmethod(np.cosh)


@op("x", layout=Layout.AGNOSTIC)
class Tanh(Elementwise):
    """The hyperbolic tangent."""

    compute = staticmethod(np.tanh)


@op("x", layout=Layout.AGNOSTIC)
class Asinh(Elementwise):
    """The inverse hyperbolic sine."""

    compute = staticmethod(np.arcsinh)


@op("x", layout=Layout.AGNOSTIC)
class Acosh(Elementwise):
    """The inverse hyperbolic cosine."""

    compute = staticmethod(np.arccosh)


@op("x", layout=Layout.AGNOSTIC)
class Atanh(Elementwise):
    """The inverse hyperbolic tangent."""

    compute = staticmethod(np.arctanh)


@op("x", layout=Layout.AGNOSTIC)
class Not(Elementwise):
    """Logical negation of bool."""

    compute = staticmethod(np.logical_not)


@op("x", layout=Layout.AGNOSTIC)
class BitNot(Elementwise):
    """Bitwise negation of integers."""

    compute = staticmethod(np.invert)


@op("x", layout=Layout.AGNOSTIC)
class IsNan(Comparison):
    """Whether x is not a number."""

    compute = staticmethod(np.isnan)


@op("x", layout=Layout.AGNOSTIC)
class IsInf(Comparison):
    """Whether x is infinite."""

    compute = staticmethod(np.isinf)


@op("a b", layout=Layout.AGNOSTIC)
class Add(Elementwise):
    """a + b."""

    compute = staticmethod(np.add)


@op("a b", layout=Layout.AGNOSTIC)
class Sub(Elementwise):
    """a - b."""

    compute = staticmethod(np.subtract)


@op("a b", layout=Layout.AGNOSTIC)
class Mul(Elementwise):
    """a * b."""

    compute = staticmethod(np.multiply)


@op("a b", layout=Layout.AGNOSTIC)
class Div(Elementwise):
    """a / b; on integers the quotient is cut towards zero."""

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        a, b = arrays
        with np.errstate(all="ignore"):
            if a.dtype.kind == "f":
                return (np.asarray(np.divide(a, b), a.dtype),)
            quotient = np.floor_divide(a, b)
            inexact = (quotient * b != a) & ((a < 0) != (b < 0))
            return (np.asarray(quotient + inexact, a.dtype),)


@op("a b", layout=Layout.AGNOSTIC)
class FloorDiv(Elementwise):
    """The greatest integer not above a / b."""

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        a, b = arrays
        with np.errstate(all="ignore"):
            floor = np.floor(np.divide(a, b)) if a.dtype.kind == "f" else np.floor_divide(a, b)
        return (np.asarray(floor, a.dtype),)


@op("a b", layout=Layout.AGNOSTIC)
class Mod(Elementwise):
    """The remainder of a / b with the sign of b."""

    compute = staticmethod(np.mod)


@op("a b", layout=Layout.AGNOSTIC)
class Fmod(Elementwise):
    """The remainder of a / b with the sign of a."""

    compute = staticmethod(np.fmod)


@op("a b", layout=Layout.AGNOSTIC)
class Pow(Elementwise):
    """a ** b."""

    compute = staticmethod(np.power)


@op("a b", layout=Layout.AGNOSTIC)
class Maximum(Elementwise):
    """The greater of a and b."""

    compute = staticmethod(np.maximum)


@op("a b", layout=Layout.AGNOSTIC)
class Minimum(Elementwise):
    """The lesser of a and b."""

    compute = staticmethod(np.minimum)


@op("a b", layout=Layout.AGNOSTIC)
class Atan2(Elementwise):
    """The angle of the point (b, a) in radians."""

    compute = staticmethod(np.arctan2)


@op("a b", layout=Layout.AGNOSTIC)
class And(Elementwise):
    """Logical and of bools."""

    compute = staticmethod(np.logical_and)


@op("a b", layout=Layout.AGNOSTIC)
class Or(Elementwise):
    """Logical or of bools."""

    compute = staticmethod(np.logical_or)


@op("a b", layout=Layout.AGNOSTIC)
class Xor(Elementwise):
    """Logical exclusive or of bools."""

    compute = staticmethod(np.logical_xor)


@op("a b", layout=Layout.AGNOSTIC)
class BitAnd(Elementwise):
    """Bitwise and of integers."""

    compute = staticmethod(np.bitwise_and)


@op("a b", layout=Layout.AGNOSTIC)
class BitOr(Elementwise):
    """Bitwise or of integers."""

    compute = staticmethod(np.bitwise_or)


@op("a b", layout=Layout.AGNOSTIC)
class BitXor(Elementwise):
    """Bitwise exclusive or of integers."""

    compute = staticmethod(np.bitwise_xor)


@op("a b", layout=Layout.AGNOSTIC)
class ShiftLeft(Elementwise):
    """a * 2 ** b on integers."""

    compute = staticmethod(np.left_shift)


@op("a b", layout=Layout.AGNOSTIC)
class ShiftRight(Elementwise):
    """floor(a / 2 ** b) on integers."""

    compute = staticmethod(np.right_shift)


@op("a b", layout=Layout.AGNOSTIC)
class Equal(Comparison):
    """a == b."""

    compute = staticmethod(np.equal)


@op("a b", layout=Layout.AGNOSTIC)
class NotEqual(Comparison):
    """a != b."""

    compute = staticmethod(np.not_equal)


@op("a b", layout=Layout.AGNOSTIC)
class Less(Comparison):
    """a < b."""

    compute = staticmethod(np.less)


@op("a b", layout=Layout.AGNOSTIC)
class LessEqual(Comparison):
    """a <= b."""

    compute = staticmethod(np.less_equal)


@op("a b", layout=Layout.AGNOSTIC)
class Greater(Comparison):
    """a > b."""

    compute = staticmethod(np.greater)


@op("a b", layout=Layout.AGNOSTIC)
class GreaterEqual(Comparison):
    """a >= b."""

    compute = staticmethod(np.greater_equal)


@op("condition a b", layout=Layout.AGNOSTIC)
class Where(Op):
    """a where the condition holds, else b."""

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        condition, *choices = types
        if condition.dtype is not DType.BOOL:
            raise ShapeError(f"the condition is {condition}, not bool")
        return (TensorType(same_dtype(choices), broadcast([t.shape for t in types])),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        condition, a, b = arrays
        return (np.where(condition, a, b),)


@op("x", layout=Layout.AGNOSTIC)
class Cast(Op):
    """x as another element type; floats are cut towards zero, bool is x != 0."""

    to: DType

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        return (TensorType(self.to, types[0].shape),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        with np.errstate(all="ignore"):
            return (arrays[0].astype(self.to.numpy),)

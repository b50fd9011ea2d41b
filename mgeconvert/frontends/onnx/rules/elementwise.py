"""Arithmetic, comparison, logic and choice, element by element."""

from __future__ import annotations

import operator
from functools import reduce

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.onnx.call import Call
from mgeconvert.frontends.onnx.rules.table import RULES
from mgeconvert.frontends.onnx.tensors import element_type
from mgeconvert.ir import DType, Op, Value, ops
from mgeconvert.ir.contents import dims_of
from mgeconvert.ir.dims import Shape

UNARY: dict[str, type[Op]] = {
    **{
        op.__name__: op
        for op in (
            *(ops.Abs, ops.Neg, ops.Sign, ops.Exp, ops.Log, ops.Sqrt, ops.Reciprocal),
            *(ops.Floor, ops.Ceil, ops.Sin, ops.Cos, ops.Tan, ops.Asin, ops.Acos, ops.Atan),
            *(ops.Sinh, ops.Cosh, ops.Tanh, ops.Asinh, ops.Acosh, ops.Atanh),
            *(ops.Not, ops.Identity, ops.Erf),
        )
    },
    "BitwiseNot": ops.BitNot,
    "IsNaN": ops.IsNan,
}
BINARY: dict[str, type[Op]] = {
    **{
        op.__name__: op
        for op in (
            *(ops.Add, ops.Sub, ops.Mul, ops.And, ops.Or, ops.Xor),
            *(ops.Equal, ops.Less, ops.Greater),
        )
    },
    "LessOrEqual": ops.LessEqual,
    "GreaterOrEqual": ops.GreaterEqual,
    "BitwiseAnd": ops.BitAnd,
    "BitwiseOr": ops.BitOr,
    "BitwiseXor": ops.BitXor,
}
EXTREME: dict[str, type[Op]] = {"Max": ops.Maximum, "Min": ops.Minimum, "Sum": ops.Add}


@RULES(*UNARY, since=1)
def unary(c: Call, x: Value) -> Value:
    return c.emit(UNARY[c.node.op_type](), x)


@RULES(*BINARY, since=7)
def binary(c: Call, a: Value, b: Value) -> Value:
    return c.emit(BINARY[c.node.op_type](), a, b)


@RULES("Round", since=11)
def round_(c: Call, x: Value) -> Value:
    return c.emit(ops.Round(half="even"), x)


@RULES("Div", since=7)
def div(c: Call, a: Value, b: Value) -> Value:
    """Sizes are never negative, so that cutting their quotient is rounding it down."""
    if a.type.dtype.is_integer:
        dims = _quotients(a, b)
        if dims is not None:
            scalar = not max(a.type.rank, b.type.rank)
            return c.dims(dims, dtype=a.type.dtype, scalar=scalar)
    return c.emit(ops.Div(), a, b)


def _quotients(a: Value, b: Value) -> Shape | None:
    if a.const is not None and b.const is not None:
        return None
    over, under = dims_of(a), dims_of(b)
    if over is None or under is None or 0 in under:
        return None
    length = max(len(over), len(under))
    over, under = (d * length if len(d) == 1 else d for d in (over, under))
    return tuple(map(operator.floordiv, over, under))


@RULES("Pow", since=7)
def power(c: Call, a: Value, b: Value) -> Value:
    """The result has the type of the base; the exponent may have another one from opset 12 on."""
    dtype = a.type.dtype
    if b.type.dtype.is_float and not dtype.is_float:
        wide = DType.F64
        return c.cast(c.emit(ops.Pow(), c.cast(a, wide), c.cast(b, wide)), dtype)
    return c.emit(ops.Pow(), a, c.cast(b, dtype))


@RULES("Mod", since=10)
def mod(c: Call, a: Value, b: Value) -> Value:
    if c.attribute("fmod"):
        return c.emit(ops.Fmod(), a, b)
    if a.type.dtype.is_float:
        raise UnsupportedCase("the remainder of floats with fmod = 0")
    return c.emit(ops.Mod(), a, b)


@RULES("BitShift", since=11)
def bit_shift(c: Call, a: Value, b: Value) -> Value:
    left = c.need("direction", "LEFT", "RIGHT") == "LEFT"
    return c.emit(ops.ShiftLeft() if left else ops.ShiftRight(), a, b)


@RULES("IsInf", since=10)
def is_inf(c: Call, x: Value) -> Value:
    infinite = c.emit(ops.IsInf(), x)
    negative, positive = c.attribute("detect_negative"), c.attribute("detect_positive")
    if negative and positive:
        return infinite
    if not negative and not positive:
        return c.emit(ops.And(), infinite, c.emit(ops.Not(), infinite))
    side: Op = ops.Greater() if positive else ops.Less()
    return c.emit(ops.And(), infinite, c.emit(side, x, c.like(0, x)))


@RULES(*EXTREME, since=6, limits="at opsets 6 and 7 of equal shapes")
def extreme(c: Call, *inputs: Value) -> Value:
    kind = EXTREME[c.node.op_type]
    if len(inputs) == 1:
        return c.emit(ops.Identity(), inputs[0])
    return reduce(lambda a, b: c.emit(kind(), a, b), inputs)


@RULES("Mean", since=6)
def mean(c: Call, *inputs: Value) -> Value:
    total = reduce(lambda a, b: c.emit(ops.Add(), a, b), inputs)
    return c.emit(ops.Div(), total, c.like(len(inputs), total))


@RULES("Where", since=9)
def where(c: Call, condition: Value, a: Value, b: Value) -> Value:
    return c.emit(ops.Where(), condition, a, b)


@RULES("Cast", since=6)
def cast(c: Call, x: Value) -> Value:
    return cast_to(c, x, element_type(c.attribute("to")))


@RULES("CastLike", since=15)
def cast_like(c: Call, x: Value, like: Value) -> Value:
    return cast_to(c, x, like.type.dtype)


def cast_to(c: Call, x: Value, dtype: DType) -> Value:
    """Return x as `dtype`; a cast to its own type stays, as what it is called by."""
    return c.emit(ops.Cast(to=dtype), x)


@RULES("Clip", since=6)
def clip_by_attributes(c: Call, x: Value) -> Value:
    greatest = float(np.finfo(np.float32).max)
    low, high = c.attribute("min", -greatest), c.attribute("max", greatest)
    lowest, highest = low <= -3.4e38, high >= 3.4e38  # the defaults are float32's limits
    return c.emit(
        ops.Clip(low=float("-inf") if lowest else low, high=float("inf") if highest else high), x
    )


@RULES("Clip", since=11)
def clip(c: Call, x: Value, low: Value | None = None, high: Value | None = None) -> Value:
    """A limit that is computed is a maximum or minimum."""
    if low is None and high is None:
        return c.emit(ops.Identity(), x)
    if all(limit is None or limit.const is not None for limit in (low, high)):
        numbers = (
            float("-inf") if low is None else c.number(low, "min"),
            float("inf") if high is None else c.number(high, "max"),
        )
        return c.emit(ops.Clip(low=numbers[0], high=numbers[1]), x)
    held = x if low is None else c.emit(ops.Maximum(), x, low)
    return held if high is None else c.emit(ops.Minimum(), held, high)

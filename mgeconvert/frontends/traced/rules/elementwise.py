"""Elementwise functions and operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.promotion import (
    as_float,
    binary,
    float_binary,
    operands,
    unary,
)
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import DType, Op, Value, ops

FLOAT_UNARY: dict[str, Op] = {
    "exp": ops.Exp(),
    "expm1": ops.Expm1(),
    "log": ops.Log(),
    "log1p": ops.Log1p(),
    "sqrt": ops.Sqrt(),
    "sin": ops.Sin(),
    "cos": ops.Cos(),
    "tan": ops.Tan(),
    "asin": ops.Asin(),
    "acos": ops.Acos(),
    "sinh": ops.Sinh(),
    "cosh": ops.Cosh(),
    "tanh": ops.Tanh(),
    "asinh": ops.Asinh(),
    "acosh": ops.Acosh(),
    "atanh": ops.Atanh(),
}
ANY_UNARY: dict[str, Op] = {"abs": ops.Abs(), "neg": ops.Neg()}
WHOLE: dict[str, Op] = {"floor": ops.Floor(), "ceil": ops.Ceil(), "round": ops.Round()}
BINARY: dict[str, tuple[Op, tuple[str, ...]]] = {
    "add": (ops.Add(), ("add",)),
    "sub": (ops.Sub(), ("sub",)),
    "mul": (ops.Mul(), ("mul",)),
    "floordiv": (ops.FloorDiv(), ("floor_div",)),
}
FLOAT_BINARY: dict[str, tuple[Op, tuple[str, ...]]] = {
    "truediv": (ops.Div(), ("div",)),
    "pow": (ops.Pow(), ("pow",)),
}
COMPARISONS: dict[str, tuple[Op, str]] = {
    "eq": (ops.Equal(), "equal"),
    "ne": (ops.NotEqual(), "not_equal"),
    "lt": (ops.Less(), "less"),
    "le": (ops.LessEqual(), "less_equal"),
    "gt": (ops.Greater(), "greater"),
    "ge": (ops.GreaterEqual(), "greater_equal"),
}
LOGICAL: dict[str, tuple[Op, Op, str]] = {
    "and": (ops.And(), ops.BitAnd(), "logical_and"),
    "or": (ops.Or(), ops.BitOr(), "logical_or"),
    "xor": (ops.Xor(), ops.BitXor(), "logical_xor"),
}
SHIFTS: dict[str, tuple[Op, str]] = {
    "lshift": (ops.ShiftLeft(), "left_shift"),
    "rshift": (ops.ShiftRight(), "right_shift"),
}

Apply = Callable[[Call, Op, Any, Any], Value]


def _register_unary(name: str, op: Op, keys: tuple[str, ...]) -> None:
    @RULES(f"function:elemwise.{name}", *keys)
    def rule(c: Call, x: Any) -> Value:
        return unary(c, op, x)


def _register_any_unary(name: str, op: Op) -> None:
    @RULES(f"function:elemwise.{name}", f"method:__{name}__")
    def rule(c: Call, x: Any) -> Value:
        return c.emit(op, c.value(x))


def _register_whole(name: str, op: Op) -> None:
    @RULES(f"function:elemwise.{name}", f"method:__{name}__")
    def rule(c: Call, x: Any) -> Value:
        value = c.value(x)
        return c.emit(op if value.type.dtype.is_float else ops.Identity(), value)


def _register_binary(name: str, op: Op, functions: tuple[str, ...], apply: Apply) -> None:
    names = tuple(f"function:elemwise.{f}" for f in functions)

    @RULES(f"method:__{name}__", f"method:__i{name}__", *names)
    def rule(c: Call, x: Any, y: Any) -> Value:
        return apply(c, op, x, y)

    @RULES(f"method:__r{name}__")
    def reflected(c: Call, x: Any, y: Any) -> Value:
        return apply(c, op, y, x)


def _register_comparison(name: str, op: Op, function: str) -> None:
    @RULES(f"method:__{name}__", f"function:elemwise.{function}")
    def rule(c: Call, x: Any, y: Any) -> Value:
        return binary(c, op, x, y)


def _register_logical(name: str, op: Op, bitwise: Op, function: str) -> None:
    def apply(c: Call, _: Op, x: Any, y: Any) -> Value:
        a, b = operands(c, x, y)
        return c.emit(op if a.type.dtype is DType.BOOL else bitwise, a, b)

    _register_binary(name, op, (function,), apply)


def _remainder(c: Call, _: Op, x: Any, y: Any) -> Value:
    """Of floats it has the sign of x, of integers that of y: so MegEngine has it."""
    a, b = operands(c, x, y)
    return c.emit(ops.Fmod() if a.type.dtype.is_float else ops.Mod(), a, b)


_register_binary("mod", ops.Mod(), ("mod",), _remainder)
for _name, _op in FLOAT_UNARY.items():
    _register_unary(_name, _op, ())
for _name, _op in ANY_UNARY.items():
    _register_any_unary(_name, _op)
for _name, _op in WHOLE.items():
    _register_whole(_name, _op)
for _name, (_op, _functions) in BINARY.items():
    _register_binary(_name, _op, _functions, binary)
for _name, (_op, _functions) in FLOAT_BINARY.items():
    _register_binary(_name, _op, _functions, float_binary)
for _name, (_op, _function) in COMPARISONS.items():
    _register_comparison(_name, _op, _function)
for _name, (_op, _bitwise, _function) in LOGICAL.items():
    _register_logical(_name, _op, _bitwise, _function)
for _name, (_op, _function) in SHIFTS.items():
    _register_binary(_name, _op, (_function,), binary)


def power(c: Call, x: Any, y: Any) -> Value:
    """Return x ** y as floats."""
    return float_binary(c, ops.Pow(), x, y)


@RULES("function:math.sign")
def sign(c: Call, x: Value) -> Value:
    return c.emit(ops.Sign(), x)


@RULES("function:elemwise.atan")
def atan(c: Call, x: Any) -> Value:
    """float16 gives float32, unlike in the other functions: so MegEngine has it."""
    return c.emit(ops.Atan(), c.cast(c.value(x), DType.F32))


@RULES("function:elemwise.logaddexp")
def logaddexp(c: Call, x: Any, y: Any) -> Value:
    """max(x, y) + log(1 + exp(-|x - y|)), so that nothing overflows."""
    a, b = (as_float(c, v) for v in operands(c, x, y))
    gap = c.emit(ops.Neg(), c.emit(ops.Abs(), c.emit(ops.Sub(), a, b)))
    rest = c.emit(ops.Log1p(), c.emit(ops.Exp(), gap))
    return c.emit(ops.Add(), c.emit(ops.Maximum(), a, b), rest)


@RULES("method:__pos__")
def positive(c: Call, x: Value) -> Value:
    return c.emit(ops.Identity(), x)


@RULES("method:__invert__", "function:elemwise.logical_not")
def logical_not(c: Call, x: Value) -> Value:
    return c.emit(ops.Not() if x.type.dtype is DType.BOOL else ops.BitNot(), x)


@RULES("function:elemwise.maximum")
def maximum(c: Call, x: Any, y: Any) -> Value:
    return binary(c, ops.Maximum(), x, y)


@RULES("function:elemwise.minimum")
def minimum(c: Call, x: Any, y: Any) -> Value:
    return binary(c, ops.Minimum(), x, y)


@RULES("function:elemwise.atan2")
def atan2(c: Call, y: Any, x: Any) -> Value:
    return float_binary(c, ops.Atan2(), y, x)


@RULES("function:elemwise.square")
def square(c: Call, x: Value) -> Value:
    return c.emit(ops.Mul(), x, x)


@RULES("function:elemwise.clip")
def clip(c: Call, x: Any, lower: Any = None, upper: Any = None) -> Value:
    """Where the limits cross, what is below the lower one becomes that: so MegEngine has it."""
    if lower is None or upper is None:
        kind, limit = (ops.Minimum(), upper) if lower is None else (ops.Maximum(), lower)
        return binary(c, kind, x, limit)
    value, low, high = operands(c, x, lower, upper)
    numbers = isinstance(lower, (int, float)) and isinstance(upper, (int, float))
    if numbers and lower <= upper:
        return c.emit(ops.Minimum(), c.emit(ops.Maximum(), value, low), high)
    below = c.emit(ops.Less(), value, low)
    return c.emit(ops.Where(), below, low, c.emit(ops.Minimum(), value, high))


@RULES("function:math.isnan")
def isnan(c: Call, inp: Value) -> Value:
    return c.emit(ops.IsNan(), as_float(c, inp))


@RULES("function:math.isinf")
def isinf(c: Call, inp: Value) -> Value:
    return c.emit(ops.IsInf(), as_float(c, inp))


@RULES("function:tensor.where")
def where(c: Call, mask: Value, x: Any, y: Any) -> Value:
    return c.emit(ops.Where(), mask, *operands(c, x, y))


@RULES("method:astype")
def astype(c: Call, x: Value, dtype: Any) -> Value:
    return c.emit(ops.Cast(to=element_type(dtype)), x)


@RULES("method:detach", "function:tensor.copy")
def same(c: Call, x: Value, device: Any = None, **_: Any) -> Value:
    return c.emit(ops.Identity(), x)


def element_type(dtype: Any, default: DType = DType.F32) -> DType:
    """Return the element type that an argument `dtype` names; None is `default`."""
    if dtype is None:
        return default
    if getattr(dtype, "metadata", None):  # a quantized type: the IR stays float
        return DType.F32
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", str(dtype))
    name = {"int": "int32", "float": "float32", "int64": "int32", "float64": "float32"}.get(
        name, name
    )
    try:
        return DType(np.dtype(name).name)
    except (TypeError, ValueError):
        raise UnsupportedCase(f"the element type {dtype} has no place in the IR") from None

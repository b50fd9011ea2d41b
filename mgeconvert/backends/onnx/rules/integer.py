"""Whole-number arithmetic: rounding, remainders, bits and shifts; and the angle of a point."""

from __future__ import annotations

import math

import numpy as np

from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.backends.onnx.rules.comparison import equal, less
from mgeconvert.backends.onnx.rules.table import RULES
from mgeconvert.backends.onnx.rules.typed import allowed, cast_from, emit_typed
from mgeconvert.ir import DType, Node, Op, ops

BITWISE: dict[type[Op], str] = {
    ops.BitAnd: "BitwiseAnd",
    ops.BitOr: "BitwiseOr",
    ops.BitXor: "BitwiseXor",
}


@RULES(ops.Round, since=7)
def round_(e: Emitter, node: Node[ops.Round]) -> str:
    dtype = node.output.type.dtype
    (x,) = e.inputs(node)
    if node.op.half == "even":
        return e.emit("Round", x) if e.opset >= 11 else _round_even(e, x, dtype)
    size = e.emit("Abs", x)
    whole = e.emit("Floor", size)
    rest = e.emit("Sub", size, whole)
    up = e.emit("Not", e.emit("Less", rest, e.scalar(0.5, dtype)))
    rounded = e.emit("Add", whole, cast_from(e, up, old=DType.BOOL, new=dtype))
    return e.emit("Mul", _sign(e, x, dtype), rounded)


def _sign(e: Emitter, x: str, dtype: DType) -> str:
    if e.opset >= 9:
        return e.emit("Sign", x)
    signs = [
        cast_from(e, e.emit(name, x, e.scalar(0, dtype)), old=DType.BOOL, new=dtype)
        for name in ("Greater", "Less")
    ]
    return e.emit("Sub", *signs)


def _round_even(e: Emitter, x: str, dtype: DType) -> str:
    """floor(x), and one more where the rest is above 1/2, or is 1/2 and the floor is odd."""
    half = e.scalar(0.5, dtype)
    floor = e.emit("Floor", x)
    rest = e.emit("Sub", x, floor)
    halves = e.emit("Mul", floor, half)
    odd = e.emit("Greater", e.emit("Sub", halves, e.emit("Floor", halves)), e.scalar(0, dtype))
    tie = e.emit("Not", e.emit("Less", rest, half))
    up = e.emit("Or", e.emit("Greater", rest, half), e.emit("And", tie, odd))
    return e.emit("Add", floor, cast_from(e, up, old=DType.BOOL, new=dtype))


@RULES(ops.FloorDiv, since=7)
def floor_div(e: Emitter, node: Node[ops.FloorDiv]) -> str:
    a, b = e.inputs(node)
    dtype = node.output.type.dtype
    if dtype.is_float:
        return e.emit("Floor", e.emit("Div", a, b))
    wide = dtype if dtype in allowed("Div", e.opset) and dtype in SIGNED_OR_64 else DType.I64
    a, b = (cast_from(e, x, old=dtype, new=wide) for x in (a, b))
    return cast_from(e, floor_quotient(e, a, b, wide), old=wide, new=dtype)


SIGNED_OR_64 = (DType.I32, DType.I64, DType.U64, DType.I8, DType.I16)


def floor_quotient(e: Emitter, a: str, b: str, dtype: DType) -> str:
    """Emit floor(a / b) of integers: the quotient cut towards 0, less 1 where that was upwards."""
    quotient = e.emit("Div", a, b)
    if dtype is DType.U64:
        return quotient
    fix = _remainder_misses(e, remainder(e, a, b, quotient), b, dtype)
    return e.emit("Sub", quotient, cast_from(e, fix, old=DType.BOOL, new=dtype))


def remainder(e: Emitter, a: str, b: str, quotient: str) -> str:
    """Emit a - quotient * b."""
    return e.emit("Sub", a, e.emit("Mul", quotient, b))


def _remainder_misses(e: Emitter, rest: str, b: str, dtype: DType) -> str:
    """Emit whether the remainder is not 0 and its sign is not that of b."""
    zero = e.scalar(0, dtype)
    signs = e.emit("Xor", less(e, "Less", dtype, rest, zero), less(e, "Less", dtype, b, zero))
    return e.emit("And", e.emit("Not", equal(e, dtype, rest, zero)), signs)


@RULES(
    ops.Mod, since=7, limits="below opset 10 float quotients beyond 2**28 are refused for float64"
)
def mod(e: Emitter, node: Node[ops.Mod]) -> str:
    a, b = e.inputs(node)
    dtype = node.output.type.dtype
    if dtype.is_integer and e.opset >= 10:
        return e.emit("Mod", a, b, fmod=0)
    wide = _remainder_type(e, dtype)
    a, b = (cast_from(e, x, old=dtype, new=wide) for x in (a, b))
    rest = _fmod(e, a, b, wide)
    if wide is not DType.U64:
        fix = cast_from(e, _remainder_misses(e, rest, b, wide), old=DType.BOOL, new=wide)
        rest = e.emit("Add", rest, e.emit("Mul", fix, b))
    return cast_from(e, rest, old=wide, new=dtype)


@RULES(ops.Fmod, since=7)
def fmod(e: Emitter, node: Node[ops.Fmod]) -> str:
    a, b = e.inputs(node)
    dtype = node.output.type.dtype
    wide = dtype if e.opset >= 10 else _remainder_type(e, dtype)
    a, b = (cast_from(e, x, old=dtype, new=wide) for x in (a, b))
    return cast_from(e, _fmod(e, a, b, wide), old=wide, new=dtype)


def _remainder_type(e: Emitter, dtype: DType) -> DType:
    """Return the type to compute in: below opset 10 wide enough for an exact quotient."""
    if dtype.is_float:
        if e.opset >= 10:
            return dtype
        if dtype is DType.F64:
            raise e.refuse("the remainder of float64", 10)
        return DType.F64
    return dtype if dtype in (DType.I32, DType.I64, DType.U64) else DType.I64


def _fmod(e: Emitter, a: str, b: str, dtype: DType) -> str:
    if e.opset >= 10:
        return e.emit("Mod", a, b, fmod=1)
    quotient = e.emit("Div", a, b)
    if dtype.is_float:
        whole = e.emit("Floor", e.emit("Abs", quotient))
        quotient = e.emit("Mul", _sign(e, quotient, dtype), whole)
    return remainder(e, a, b, quotient)


@RULES(*BITWISE, since=18)
def bitwise(e: Emitter, node: Node[Op]) -> str:
    return e.emit(BITWISE[type(node.op)], *e.inputs(node))


@RULES(ops.BitNot, since=7)
def bit_not(e: Emitter, node: Node[ops.BitNot]) -> str:
    """-1 - x; unsigned: the greatest number - x."""
    (x,) = e.inputs(node)
    dtype = node.output.type.dtype
    if e.opset >= 18:
        return e.emit("BitwiseNot", x)
    ones = ~np.zeros((), dtype.numpy)
    return emit_typed(e, "Sub", dtype, e.constant(ones, "ones"), x)


@RULES(ops.ShiftLeft, ops.ShiftRight, since=7, limits="uint64 from opset 11 on")
def shift(e: Emitter, node: Node[Op]) -> str:
    """By BitShift where it takes the type; else through int64 by a power of 2."""
    a, b = e.inputs(node)
    dtype = node.outputs[0].type.dtype
    left = isinstance(node.op, ops.ShiftLeft)
    if e.opset >= 11 and dtype in allowed("BitShift", e.opset):
        return e.emit("BitShift", a, b, direction="LEFT" if left else "RIGHT")
    if dtype is DType.U64:
        raise e.refuse("shifts of uint64", 11)
    powers = e.constant(1 << np.arange(63, dtype=np.int64), "powers")
    power = e.emit("Gather", powers, cast_from(e, b, old=dtype, new=DType.I64), axis=0)
    a = cast_from(e, a, old=dtype, new=DType.I64)
    shifted = e.emit("Mul", a, power) if left else floor_quotient(e, a, power, DType.I64)
    return cast_from(e, shifted, old=DType.I64, new=dtype)


@RULES(ops.Atan2, since=7, limits="zeros count as positive; not both infinite")
def atan2(e: Emitter, node: Node[ops.Atan2]) -> str:
    """atan(a / b), plus or minus pi where b < 0; 0 over 0 counts as 0 over 1."""
    a, b = e.inputs(node)
    dtype = node.output.type.dtype
    zero = e.scalar(0, dtype)
    b_negative = e.emit("Less", b, zero)
    a_negative = e.emit("Less", a, zero)
    nothing = e.emit("And", equal(e, dtype, a, zero), equal(e, dtype, b, zero))
    quotient = e.emit("Div", a, e.emit("Add", b, cast_from(e, nothing, old=DType.BOOL, new=dtype)))
    half_turn = e.scalar(math.pi, dtype)
    numbers = [cast_from(e, x, old=DType.BOOL, new=dtype) for x in (b_negative, a_negative)]
    side = e.emit("Sub", e.scalar(1, dtype), e.emit("Mul", numbers[1], e.scalar(2, dtype)))
    turn = e.emit("Mul", e.emit("Mul", numbers[0], side), half_turn)
    return e.emit("Add", e.emit("Atan", quotient), turn)

"""Elementwise operators that ONNX knows by name, some of them only from some opset on."""

from __future__ import annotations

from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.backends.onnx.rules.table import RULES
from mgeconvert.backends.onnx.rules.typed import cast, cast_from, emit_typed
from mgeconvert.ir import DType, Node, Op, ops

SAME_NAME: dict[type[Op], str] = {
    ops.Abs: "Abs",
    ops.Exp: "Exp",
    ops.Log: "Log",
    ops.Sqrt: "Sqrt",
    ops.Reciprocal: "Reciprocal",
    ops.Floor: "Floor",
    ops.Ceil: "Ceil",
    ops.Sin: "Sin",
    ops.Cos: "Cos",
    ops.Tan: "Tan",
    ops.Asin: "Asin",
    ops.Acos: "Acos",
    ops.Atan: "Atan",
    ops.Tanh: "Tanh",
    ops.Not: "Not",
    ops.Add: "Add",
    ops.Sub: "Sub",
    ops.Mul: "Mul",
    ops.Div: "Div",
    ops.And: "And",
    ops.Or: "Or",
    ops.Xor: "Xor",
}
SINCE_9: dict[type[Op], str] = {
    ops.Sign: "Sign",
    ops.Sinh: "Sinh",
    ops.Cosh: "Cosh",
    ops.Asinh: "Asinh",
    ops.Acosh: "Acosh",
    ops.Atanh: "Atanh",
    ops.Erf: "Erf",
}


@RULES(*SAME_NAME, since=7)
def same_name(e: Emitter, node: Node[Op]) -> str:
    return emit_typed(e, SAME_NAME[type(node.op)], node.inputs[0].type.dtype, *e.inputs(node))


@RULES(*SINCE_9, since=9)
def same_name_since_9(e: Emitter, node: Node[Op]) -> str:
    return emit_typed(e, SINCE_9[type(node.op)], node.inputs[0].type.dtype, *e.inputs(node))


@RULES(ops.Identity, since=7)
def identity(e: Emitter, node: Node[ops.Identity]) -> str:
    return e.emit("Identity", *e.inputs(node))


@RULES(ops.Neg, since=7)
def neg(e: Emitter, node: Node[ops.Neg]) -> str:
    (x,) = e.inputs(node)
    dtype = node.output.type.dtype
    if dtype.value.startswith("uint"):
        return emit_typed(e, "Sub", dtype, e.scalar(0, dtype), x)
    return emit_typed(e, "Neg", dtype, x)


@RULES(ops.Sign, since=7, limits="below opset 9 the sign of NaN is 0")
def sign(e: Emitter, node: Node[ops.Sign]) -> str:
    """(x > 0) - (x < 0); bool is no number, so it goes by way of int32."""
    (x,) = e.inputs(node)
    dtype = node.output.type.dtype
    wide = DType.F64 if dtype.is_integer else DType.F32 if dtype is DType.F16 else dtype
    x, zero = cast_from(e, x, old=dtype, new=wide), e.scalar(0, wide)
    above, below = e.emit("Greater", x, zero), e.emit("Less", x, zero)
    result = e.emit("Sub", cast(e, above, DType.I32), cast(e, below, DType.I32))
    return cast_from(e, result, old=DType.I32, new=dtype)


@RULES(ops.Cast, since=7)
def cast_to(e: Emitter, node: Node[ops.Cast]) -> str:
    return cast(e, e.name(node.inputs[0]), node.op.to)


@RULES(ops.Pow, since=7)
def power(e: Emitter, node: Node[ops.Pow]) -> str:
    return emit_typed(e, "Pow", node.output.type.dtype, *e.inputs(node))

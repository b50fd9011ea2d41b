"""Elementwise operators of MegEngine that a model applies as they are, without a function."""

from __future__ import annotations

from typing import Any

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.elementwise import element_type
from mgeconvert.frontends.traced.rules.promotion import as_float, binary, operands
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import Op, Value, ops

FUNCTIONS: dict[str, str] = {
    **{
        name: f"elemwise.{name.lower()}"
        for name in (
            *("ABS", "ACOS", "ACOSH", "ADD", "ASIN", "ASINH", "ATAN2", "ATANH", "CEIL", "COS"),
            *("COSH", "EXP", "EXPM1", "FLOOR", "FLOOR_DIV", "LOG", "LOG1P", "MOD", "MUL", "POW"),
            *("ROUND", "SIN", "SINH", "SQRT", "SQUARE", "SUB", "TAN", "TANH"),
        )
    },
    **{name: f"nn.{name.lower()}" for name in ("RELU", "RELU6", "SIGMOID", "SILU", "GELU")},
    **{name: f"nn.{name.lower()}" for name in ("SOFTPLUS", "LOGSIGMOID", "HSIGMOID", "PRELU")},
    "SIGN": "math.sign",
    "H_SWISH": "nn.hswish",
    "NEGATE": "elemwise.neg",
    "MAX": "elemwise.maximum",
    "MIN": "elemwise.minimum",
    "TRUE_DIV": "elemwise.div",
    "LOG_SUM_EXP": "elemwise.logaddexp",
    "CLIP": "elemwise.clip",
    "LT": "elemwise.less",
    "LEQ": "elemwise.less_equal",
    "EQ": "elemwise.equal",
    "NEQ": "elemwise.not_equal",
    "AND": "elemwise.logical_and",
    "OR": "elemwise.logical_or",
    "XOR": "elemwise.logical_xor",
    "NOT": "elemwise.logical_not",
    "SHL": "elemwise.left_shift",
    "SHR": "elemwise.right_shift",
    "ISNAN": "math.isnan",
    "ISINF": "math.isinf",
}
"""The modes that a function has, too."""

FUSED_ADD: dict[str, str] = {
    "FUSE_ADD_RELU": "RELU",
    "FUSE_ADD_SIGMOID": "SIGMOID",
    "FUSE_ADD_TANH": "TANH",
    "FUSE_ADD_H_SWISH": "H_SWISH",
}
NUMERIC = ("LT", "LEQ", "EQ")  # 0 or 1 of the operands' element type
MOVES: dict[str, Op] = {"COND_LEQ_MOV": ops.LessEqual(), "COND_LT_MOV": ops.Less()}


@RULES("apply:Elemwise", limits="no gradients, inverse error functions and high halves of products")
def elemwise(c: Call, *inputs: Value, mode: str) -> Value:
    if mode in FUSED_ADD:
        return elemwise(c, binary(c, ops.Add(), *inputs), mode=FUSED_ADD[mode])
    if mode in MOVES:
        a, b, kept = inputs
        return _selected(c, c.emit(MOVES[mode], *operands(c, a, b)), kept)
    if mode == "SWITCH_GT0":
        gate, kept = inputs
        return _selected(c, c.emit(ops.Greater(), *operands(c, gate, 0)), kept)
    if mode in ("ERF", "ERFC"):
        result = c.emit(ops.Erf(), as_float(c, inputs[0]))
        return result if mode == "ERF" else binary(c, ops.Sub(), 1, result)
    if mode in ("FUSE_MUL_ADD3", "FUSE_MUL_ADD4"):
        product = binary(c, ops.Mul(), inputs[0], inputs[1])
        rest = inputs[2] if len(inputs) == 3 else binary(c, ops.Mul(), inputs[2], inputs[3])
        return binary(c, ops.Add(), product, rest)
    if mode == "FAST_TANH":
        return _fast_tanh(c, inputs[0])
    result = _function(c, mode, inputs)
    return c.cast(result, inputs[0].type.dtype) if mode in NUMERIC else result


@RULES("apply:ElemwiseMultiType", limits="no fused and no quantized modes")
def elemwise_multi_type(c: Call, *inputs: Value, mode: str, dtype: Any = None) -> Value:
    result = _function(c, mode, inputs)
    return result if dtype is None else c.cast(result, element_type(dtype))


@RULES("apply:MaskedFill")
def masked_fill(c: Call, x: Value, mask: Value, *, value: float = 0.0) -> Value:
    whole = c.unsqueeze(mask, range(mask.type.rank, x.type.rank))
    return c.emit(ops.Where(), whole, c.scalar(value, x.type.dtype), x)


@RULES("apply:TypeCvt")
def type_cvt(c: Call, x: Value, *, dtype: Any) -> Value:
    return c.emit(ops.Cast(to=element_type(dtype)), x)


@RULES("apply:Copy", "apply:Borrow")
def copy(c: Call, x: Value, *, comp_node: Any = None) -> Value:
    return c.emit(ops.Identity(), x)


@RULES("apply:Identity", "apply:FastpathCopy")
def identity(c: Call, x: Value) -> Value:
    return c.emit(ops.Identity(), x)


def _function(c: Call, mode: str, inputs: tuple[Value, ...]) -> Value:
    rule = RULES.find(f"function:{FUNCTIONS[mode]}") if mode in FUNCTIONS else None
    if rule is None:
        raise UnsupportedCase(f"the elementwise mode {mode}", hint="write it with other functions")
    result: Value = rule(c, *inputs)
    return result


def _selected(c: Call, condition: Value, kept: Value) -> Value:
    return c.emit(ops.Where(), condition, kept, c.scalar(0, kept.type.dtype))


def _fast_tanh(c: Call, x: Value) -> Value:
    """x (27 + x^2) / (27 + 9 x^2): MegEngine's approximation."""
    x = as_float(c, x)
    square = c.emit(ops.Mul(), x, x)
    above = c.emit(ops.Mul(), x, binary(c, ops.Add(), square, 27.0))
    below = binary(c, ops.Add(), binary(c, ops.Mul(), square, 9.0), 27.0)
    return c.emit(ops.Div(), above, below)

"""Elementwise operators: one rule, and a table of its modes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

import numpy as np

from mgeconvert.errors import UnreadableSource, UnsupportedCase
from mgeconvert.frontends.mge import quant
from mgeconvert.frontends.mge.call import Call, Result
from mgeconvert.frontends.mge.dtypes import element_type, quantization
from mgeconvert.frontends.mge.rules.table import RULES
from mgeconvert.ir import DType, Op, Value, ops
from mgeconvert.ir.contents import dims_of

Mode = Callable[..., Value]

UNARY: dict[str, Op] = {
    "RELU": ops.Relu(),
    "ABS": ops.Abs(),
    "ACOS": ops.Acos(),
    "ASIN": ops.Asin(),
    "CEIL": ops.Ceil(),
    "COS": ops.Cos(),
    "EXP": ops.Exp(),
    "EXPM1": ops.Expm1(),
    "FLOOR": ops.Floor(),
    "LOG": ops.Log(),
    "LOG1P": ops.Log1p(),
    "NEGATE": ops.Neg(),
    "SIGMOID": ops.Sigmoid(),
    "SIN": ops.Sin(),
    "TANH": ops.Tanh(),
    "ROUND": ops.Round(),
    "ERF": ops.Erf(),
    "H_SWISH": ops.HardSwish(),
    "SILU": ops.Silu(),
    "GELU": ops.Gelu(),
    "SINH": ops.Sinh(),
    "COSH": ops.Cosh(),
    "ASINH": ops.Asinh(),
    "ACOSH": ops.Acosh(),
    "ATANH": ops.Atanh(),
    "TAN": ops.Tan(),
    "SOFTPLUS": ops.Softplus(),
    "RELU6": ops.Clip(low=0.0, high=6.0),
    "HSIGMOID": ops.HardSigmoid(),
    "LOGSIGMOID": ops.LogSigmoid(),
    "SQRT": ops.Sqrt(),
    "SIGN": ops.Sign(),
}
BINARY: dict[str, Op] = {
    "ADD": ops.Add(),
    "FLOOR_DIV": ops.FloorDiv(),
    "MAX_": ops.Maximum(),
    "MIN_": ops.Minimum(),
    "POW": ops.Pow(),
    "SUB": ops.Sub(),
    "TRUE_DIV": ops.Div(),
    "ATAN2": ops.Atan2(),
    "SHL": ops.ShiftLeft(),
    "SHR": ops.ShiftRight(),
}
COMPARISONS: dict[str, Op] = {
    "LT": ops.Less(),
    "LEQ": ops.LessEqual(),
    "EQ": ops.Equal(),
    "NEQ": ops.NotEqual(),
}
TESTS: dict[str, Op] = {"ISNAN": ops.IsNan(), "ISINF": ops.IsInf()}
LOGICAL: dict[str, tuple[Op, Op]] = {
    "NOT": (ops.Not(), ops.BitNot()),
    "AND": (ops.And(), ops.BitAnd()),
    "OR": (ops.Or(), ops.BitOr()),
    "XOR": (ops.Xor(), ops.BitXor()),
}
SUMS: dict[str, Op] = {
    "FUSE_ADD_RELU": ops.Relu(),
    "FUSE_ADD_SIGMOID": ops.Sigmoid(),
    "FUSE_ADD_TANH": ops.Tanh(),
    "FUSE_ADD_H_SWISH": ops.HardSwish(),
}
MODES: dict[str, Mode] = {}


def mode(name: str) -> Callable[[Mode], Mode]:
    """Register what a mode means."""

    def register(rule: Mode) -> Mode:
        MODES[name] = rule
        return rule

    return register


@RULES("Elemwise", limits="modes of gradients, of fixed-point numbers and of inverse erf")
def elemwise(c: Call, *inputs: Value) -> Value:
    c.result = quant.elementwise(c, str(c.setting("mode")), inputs)
    return _unblocked(c, lambda *xs: apply(c, c.setting("mode"), xs), inputs)


def _unblocked(c: Call, work: Callable[..., Value], inputs: Sequence[Value]) -> Value:
    """Do `work` on the NCHW forms of blocked images; its result is blocked again."""
    layout = c.packings.layout(*inputs)
    if layout is None:
        return work(*inputs)
    plain = [c.packings.plain(c, x, layout) for x in inputs]
    return c.packings.pack(c, work(*plain), layout)


def apply(c: Call, name: str, inputs: list[Value] | tuple[Value, ...]) -> Value:
    """Add what an elementwise mode means."""
    _need_operands(name, inputs)
    if name in UNARY:
        (x,) = inputs
        whole = isinstance(UNARY[name], (ops.Floor, ops.Ceil, ops.Round))
        return x if whole and not x.type.dtype.is_float else c.emit(UNARY[name], x)
    if name in BINARY:
        return c.emit(BINARY[name], *inputs)
    if name in COMPARISONS:
        return c.cast(c.emit(COMPARISONS[name], *inputs), inputs[0].type.dtype)
    if name in TESTS:
        return c.cast(c.emit(TESTS[name], *inputs), inputs[0].type.dtype)
    if name in LOGICAL:
        return c.emit(LOGICAL[name][inputs[0].type.dtype is not DType.BOOL], *inputs)
    if name in SUMS:
        return c.emit(SUMS[name], c.emit(ops.Add(), *inputs))
    if name in MODES:
        return MODES[name](c, *inputs)
    if str(name).endswith("_GRAD"):
        raise UnsupportedCase(f"the mode {name} is a gradient", hint="dump the model for inference")
    raise UnsupportedCase(f"the mode {name} has no counterpart in the IR")


def _need_operands(name: str, inputs: Sequence[Value]) -> None:
    """Raise UnreadableSource for a number of operands that no sound file gives the mode."""
    count = len(inputs)
    if name in UNARY or name == "NOT":
        fits = count == 1
    elif any(name in modes for modes in (BINARY, COMPARISONS, LOGICAL, SUMS)):
        fits = count == 2
    else:
        fits = name not in MODES or count == len(inspect.signature(MODES[name]).parameters) - 1
    if not fits:
        raise UnreadableSource(
            f"the mode {name} with {count} operands", hint="dump the model again"
        )


@mode("MUL")
def mul(c: Call, a: Value, b: Value) -> Value:
    """Where a size is multiplied by 1 / n, it is divided by n: the optimizer turns this round."""
    for x, factor in ((a, b), (b, a)):
        number = factor.const
        if number is None or number.size != 1 or not 0 < float(number.reshape(())) < 1:
            continue
        whole = 1 / float(number.reshape(()))
        if whole.is_integer() and dims_of(x) is not None:
            return c.emit(ops.Div(), x, c.scalar(whole, x.type.dtype))
    return c.emit(ops.Mul(), a, b)


@mode("MOD")
def mod(c: Call, a: Value, b: Value) -> Value:
    return c.emit(ops.Fmod() if a.type.dtype.is_float else ops.Mod(), a, b)


@mode("SQUARE")
def square(c: Call, x: Value) -> Value:
    return c.emit(ops.Mul(), x, x)


@mode("ERFC")
def erfc(c: Call, x: Value) -> Value:
    return c.emit(ops.Sub(), c.scalar(1, x.type.dtype), c.emit(ops.Erf(), x))


@mode("FAST_TANH")
def fast_tanh(c: Call, x: Value) -> Value:
    """The fraction x (27 + x x) / (27 + 9 x x)."""
    number, squared = x.type.dtype, c.emit(ops.Mul(), x, x)
    above = c.emit(ops.Add(), c.scalar(27, number), squared)
    nine = c.emit(ops.Mul(), c.scalar(9, number), squared)
    below = c.emit(ops.Add(), c.scalar(27, number), nine)
    return c.emit(ops.Div(), c.emit(ops.Mul(), x, above), below)


@mode("LOG_SUM_EXP")
def log_sum_exp(c: Call, a: Value, b: Value) -> Value:
    """log(exp(a) + exp(b)), without overflow."""
    distance = c.emit(ops.Abs(), c.emit(ops.Sub(), a, b))
    rest = c.emit(ops.Log1p(), c.emit(ops.Exp(), c.emit(ops.Neg(), distance)))
    return c.emit(ops.Add(), c.emit(ops.Maximum(), a, b), rest)


@mode("SWITCH_GT0")
def switch(c: Call, x: Value, y: Value) -> Value:
    """y where x > 0, else 0."""
    return _chosen(c, c.emit(ops.Greater(), x, c.scalar(0, x.type.dtype)), y)


@mode("COND_LEQ_MOV")
def move_if_at_most(c: Call, a: Value, b: Value, y: Value) -> Value:
    return _chosen(c, c.emit(ops.LessEqual(), a, b), y)


@mode("COND_LT_MOV")
def move_if_below(c: Call, a: Value, b: Value, y: Value) -> Value:
    return _chosen(c, c.emit(ops.Less(), a, b), y)


def _chosen(c: Call, condition: Value, y: Value) -> Value:
    return c.emit(ops.Where(), condition, y, c.scalar(0, y.type.dtype))


@mode("PRELU")
def prelu(c: Call, x: Value, slope: Value) -> Value:
    if slope.const is not None and slope.const.size == 1 and slope.type.rank <= x.type.rank:
        return c.emit(ops.LeakyRelu(alpha=float(slope.const.reshape(()))), x)
    if x.type.rank >= slope.type.rank:
        return c.emit(ops.PRelu(), x, slope)
    positive = c.emit(ops.Greater(), x, c.scalar(0, x.type.dtype))
    return c.emit(ops.Where(), positive, x, c.emit(ops.Mul(), x, slope))


@mode("CLIP")
def clip(c: Call, x: Value, low: Value, high: Value) -> Value:
    return c.emit(ops.Minimum(), c.emit(ops.Maximum(), x, low), high)


@mode("FUSE_MUL_ADD3")
def multiply_add(c: Call, a: Value, b: Value, d: Value) -> Value:
    return c.emit(ops.Add(), c.emit(ops.Mul(), a, b), d)


@mode("FUSE_MUL_ADD4")
def multiply_add_twice(c: Call, a: Value, b: Value, d: Value, e: Value) -> Value:
    return c.emit(ops.Add(), c.emit(ops.Mul(), a, b), c.emit(ops.Mul(), d, e))


FLOAT_MIXTURES = {
    "MUL_INT16xF32xF32": "MUL",
    "FUSE_MUL_ADD3_INT16xF32xF32xF32": "FUSE_MUL_ADD3",
    "FUSE_MUL_ADD3_UINT8xF32xF32xF32": "FUSE_MUL_ADD3",
}


@RULES("ElemwiseMultiType", limits="fixed-point modes; of quantized ones the same as of Elemwise")
def elemwise_multi_type(c: Call, *inputs: Value) -> Value:
    name = str(c.setting("mode"))
    if name in COMPARISONS:
        return c.emit(COMPARISONS[name], *inputs)
    if name in TESTS:
        return c.emit(TESTS[name], *inputs)
    if name in FLOAT_MIXTURES:
        return apply(c, FLOAT_MIXTURES[name], [c.as_float(x) for x in inputs])
    if name.startswith("Q"):
        plain = name.removeprefix("Q")
        return _requantized(c, {"MAX": "MAX_", "MIN": "MIN_"}.get(plain, plain), inputs)
    raise UnsupportedCase(f"the fixed-point mode {name}")


def _requantized(c: Call, name: str, inputs: tuple[Value, ...]) -> Value:
    """Compute with the numbers meant, and round to the type that the operator has."""
    given = c.operator.output_dtype
    result = None if given is None else quantization(given)
    if result is None or any(x not in c.stored for x in inputs):
        raise UnsupportedCase(f"the mode Q{name} with plain types")
    c.result = Result(result)
    return _unblocked(c, lambda *xs: apply(c, name, xs), inputs)


@RULES("PowC")
def power(c: Call, x: Value) -> Value:
    return _unblocked(c, lambda image: _power(c, image), [x])


def _power(c: Call, x: Value) -> Value:
    exponent = float(c.setting("exp"))
    if exponent == 2:
        return c.emit(ops.Mul(), x, x)
    if exponent == 0.5:
        return c.emit(ops.Sqrt(), x)
    return c.emit(ops.Pow(), x, c.constant(np.array([exponent], x.type.dtype.numpy)))


@RULES("TypeCvt")
def type_cvt(c: Call, x: Value) -> Value:
    """From a quantized type come the numbers meant, to one they are rounded."""
    kind = c.setting("dtype")
    result = quantization(kind)
    y = _unblocked(c, lambda image: c.cast(image, element_type(kind)), [x])
    if y is x and (result is not None or x in c.stored):
        y = c.emit(ops.Identity(), x)
    c.result = None if result is None else Result(result)
    return y


@RULES(
    "Copy", "Identity", "MarkNoBroadcastElemwise", "MarkDynamicVar", "RequireInputDynamicStorage"
)
def same(c: Call, x: Value) -> Value:
    return c.emit(ops.Identity(), x)


@RULES("MaskedFill")
def masked_fill(c: Call, x: Value, mask: Value) -> Value:
    whole = c.unsqueeze(mask, range(mask.type.rank, x.type.rank))
    number = c.scalar(float(c.setting("value")), x.type.dtype)
    return c.emit(ops.Where(), c.cast(whole, DType.BOOL), number, x)

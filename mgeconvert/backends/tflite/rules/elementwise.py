"""Elementwise operators that TFLite has under a name of its own."""

from __future__ import annotations

from mgeconvert.backends.tflite.dialect import TflBitcast, TflLogSoftmax, TflSoftmax
from mgeconvert.backends.tflite.emitter import Emitter
from mgeconvert.backends.tflite.rules.table import RULES, activation
from mgeconvert.backends.tflite.schema import options, type_number
from mgeconvert.ir import Node, Op, ops

UNARY: dict[type[Op], tuple[str, str]] = {
    ops.Abs: ("ABS", "AbsOptions"),
    ops.Neg: ("NEG", "NegOptions"),
    ops.Sign: ("SIGN", "SignOptions"),
    ops.Exp: ("EXP", "ExpOptions"),
    ops.Log: ("LOG", ""),
    ops.Sqrt: ("SQRT", ""),
    ops.Floor: ("FLOOR", ""),
    ops.Round: ("ROUND", ""),
    ops.Ceil: ("CEIL", ""),
    ops.Sin: ("SIN", ""),
    ops.Cos: ("COS", "CosOptions"),
    ops.Tanh: ("TANH", ""),
    ops.Not: ("LOGICAL_NOT", "LogicalNotOptions"),
    ops.Sigmoid: ("LOGISTIC", ""),
    ops.Relu: ("RELU", ""),
    ops.HardSwish: ("HARD_SWISH", "HardSwishOptions"),
}
"""Operators without attributes: the builtin's name and its options."""

BINARY: dict[type[Op], tuple[str, str]] = {
    ops.FloorDiv: ("FLOOR_DIV", "FloorDivOptions"),
    ops.Mod: ("FLOOR_MOD", "FloorModOptions"),
    ops.Pow: ("POW", "PowOptions"),
    ops.Maximum: ("MAXIMUM", "MaximumMinimumOptions"),
    ops.Minimum: ("MINIMUM", "MaximumMinimumOptions"),
    ops.Atan2: ("ATAN2", "ATan2Options"),
    ops.And: ("LOGICAL_AND", "LogicalAndOptions"),
    ops.Or: ("LOGICAL_OR", "LogicalOrOptions"),
    ops.BitXor: ("BITWISE_XOR", "BitwiseXorOptions"),
    ops.ShiftRight: ("RIGHT_SHIFT", "RightShiftOptions"),
    ops.Equal: ("EQUAL", "EqualOptions"),
    ops.NotEqual: ("NOT_EQUAL", "NotEqualOptions"),
    ops.Less: ("LESS", "LessOptions"),
    ops.LessEqual: ("LESS_EQUAL", "LessEqualOptions"),
    ops.Greater: ("GREATER", "GreaterOptions"),
    ops.GreaterEqual: ("GREATER_EQUAL", "GreaterEqualOptions"),
    ops.Where: ("SELECT_V2", "SelectV2Options"),
    ops.PRelu: ("PRELU", ""),
}
"""Operators of several operands."""

FUSING: dict[type[Op], tuple[str, str]] = {
    ops.Add: ("ADD", "AddOptions"),
    ops.Sub: ("SUB", "SubOptions"),
    ops.Mul: ("MUL", "MulOptions"),
    ops.Div: ("DIV", "DivOptions"),
}
"""Operators that can compute an activation, too."""


@RULES(*UNARY, *BINARY)
def named(e: Emitter, node: Node[Op]) -> None:
    code, name = {**UNARY, **BINARY}[type(node.op)]
    e.emit(code, node.inputs, node.outputs, options(name) if name else None)


@RULES(*FUSING)
def arithmetic(e: Emitter, node: Node[Op]) -> None:
    code, name = FUSING[type(node.op)]
    fused, result = activation(e, node)
    given = options(name, fusedActivationFunction=fused)
    if isinstance(node.op, (ops.Add, ops.Sub)):
        given.potScaleInt16 = False  # the schema's default wants scales that are powers of 2
    e.emit(code, node.inputs, [result], given)


@RULES(ops.Cast)
def cast(e: Emitter, node: Node[ops.Cast]) -> None:
    given = options(
        "CastOptions",
        inDataType=type_number(node.inputs[0].type.dtype),
        outDataType=type_number(node.op.to),
    )
    e.emit("CAST", node.inputs, node.outputs, given)


@RULES(ops.LeakyRelu)
def leaky_relu(e: Emitter, node: Node[ops.LeakyRelu]) -> None:
    given = options("LeakyReluOptions", alpha=node.op.alpha)
    e.emit("LEAKY_RELU", node.inputs, node.outputs, given)


@RULES(ops.Gelu)
def gelu(e: Emitter, node: Node[ops.Gelu]) -> None:
    given = options("GeluOptions", approximate=node.op.approximate == "tanh")
    e.emit("GELU", node.inputs, node.outputs, given)


@RULES(ops.Elu)
def elu(e: Emitter, node: Node[ops.Elu]) -> None:
    e.emit("ELU", node.inputs, node.outputs)


@RULES(ops.Clip)
def clip(e: Emitter, node: Node[ops.Clip]) -> None:
    """What legalizing left: the ranges that have a builtin of their own."""
    code = {(0.0, 6.0): "RELU6", (-1.0, 1.0): "RELU_N1_TO_1", (0.0, 1.0): "RELU_0_TO_1"}
    e.emit(code[node.op.low, node.op.high], node.inputs, node.outputs)


@RULES(TflSoftmax)
def softmax(e: Emitter, node: Node[TflSoftmax]) -> None:
    e.emit("SOFTMAX", node.inputs, node.outputs, options("SoftmaxOptions", beta=1.0))


@RULES(TflLogSoftmax)
def log_softmax(e: Emitter, node: Node[TflLogSoftmax]) -> None:
    e.emit("LOG_SOFTMAX", node.inputs, node.outputs, options("LogSoftmaxOptions"))


@RULES(TflBitcast)
def bitcast(e: Emitter, node: Node[TflBitcast]) -> None:
    e.emit("BITCAST", node.inputs, node.outputs, options("BitcastOptions"))

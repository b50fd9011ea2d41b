"""Activation functions."""

from __future__ import annotations

import math

from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.backends.onnx.rules.comparison import WIDE_INTEGERS, pick
from mgeconvert.backends.onnx.rules.special import erf
from mgeconvert.backends.onnx.rules.table import RULES
from mgeconvert.backends.onnx.rules.typed import WIDER, allowed, cast_from, emit_typed
from mgeconvert.ir import DType, Node, Op, ops

SAME_NAME: dict[type[Op], str] = {
    ops.Sigmoid: "Sigmoid",
    ops.Softplus: "Softplus",
    ops.Softsign: "Softsign",
}


@RULES(*SAME_NAME, since=7)
def same_name(e: Emitter, node: Node[Op]) -> str:
    return e.emit(SAME_NAME[type(node.op)], *e.inputs(node))


@RULES(ops.Relu, since=7)
def relu(e: Emitter, node: Node[ops.Relu]) -> str:
    (x,) = e.inputs(node)
    dtype = node.output.type.dtype
    if dtype.value.startswith("uint"):
        return e.emit("Identity", x)
    if dtype in WIDE_INTEGERS and dtype not in allowed("Relu", e.opset):
        return pick(e, "Max", dtype, x, e.scalar(0, dtype))
    return emit_typed(e, "Relu", dtype, x)


@RULES(ops.LeakyRelu, since=7)
def leaky_relu(e: Emitter, node: Node[ops.LeakyRelu]) -> str:
    return e.emit("LeakyRelu", *e.inputs(node), alpha=node.op.alpha)


@RULES(ops.PRelu, since=7)
def prelu(e: Emitter, node: Node[ops.PRelu]) -> str:
    return emit_typed(e, "PRelu", node.output.type.dtype, *e.inputs(node))


@RULES(ops.Elu, since=7)
def elu(e: Emitter, node: Node[ops.Elu]) -> str:
    return e.emit("Elu", *e.inputs(node), alpha=node.op.alpha)


@RULES(ops.Selu, since=7)
def selu(e: Emitter, node: Node[ops.Selu]) -> str:
    return e.emit("Selu", *e.inputs(node), alpha=node.op.alpha, gamma=node.op.gamma)


@RULES(ops.HardSigmoid, since=7)
def hard_sigmoid(e: Emitter, node: Node[ops.HardSigmoid]) -> str:
    return e.emit("HardSigmoid", *e.inputs(node), alpha=node.op.alpha, beta=node.op.beta)


@RULES(ops.HardSwish, since=14)
def hard_swish(e: Emitter, node: Node[ops.HardSwish]) -> str:
    return e.emit("HardSwish", *e.inputs(node))


@RULES(ops.HardSwish, since=7)
def hard_swish_by_hard_sigmoid(e: Emitter, node: Node[ops.HardSwish]) -> str:
    (x,) = e.inputs(node)
    return e.emit("Mul", x, e.emit("HardSigmoid", x, alpha=1 / 6, beta=0.5))


@RULES(ops.Silu, since=7)
def silu(e: Emitter, node: Node[ops.Silu]) -> str:
    (x,) = e.inputs(node)
    return e.emit("Mul", x, e.emit("Sigmoid", x))


@RULES(ops.LogSigmoid, since=7)
def log_sigmoid(e: Emitter, node: Node[ops.LogSigmoid]) -> str:
    (x,) = e.inputs(node)
    return e.emit("Neg", e.emit("Softplus", e.emit("Neg", x)))


@RULES(ops.Mish, since=18)
def mish(e: Emitter, node: Node[ops.Mish]) -> str:
    return e.emit("Mish", *e.inputs(node))


@RULES(ops.Mish, since=7)
def mish_by_softplus(e: Emitter, node: Node[ops.Mish]) -> str:
    (x,) = e.inputs(node)
    return e.emit("Mul", x, e.emit("Tanh", e.emit("Softplus", x)))


@RULES(ops.Gelu, since=20)
def gelu(e: Emitter, node: Node[ops.Gelu]) -> str:
    return e.emit("Gelu", *e.inputs(node), approximate=node.op.approximate)


@RULES(ops.Gelu, since=7)
def gelu_by_erf(e: Emitter, node: Node[ops.Gelu]) -> str:
    """Compute in float32 at least: x ** 3 leaves the range of float16 early."""
    dtype = node.output.type.dtype
    wide = WIDER[dtype][0] if dtype is DType.F16 else dtype
    x = cast_from(e, e.name(node.inputs[0]), old=dtype, new=wide)
    if node.op.approximate == "tanh":
        cube = e.emit("Mul", e.emit("Mul", x, x), x)
        inner = e.emit("Add", x, e.emit("Mul", cube, e.scalar(0.044715, wide)))
        phi = e.emit("Tanh", e.emit("Mul", inner, e.scalar(math.sqrt(2 / math.pi), wide)))
    else:
        phi = erf(e, e.emit("Div", x, e.scalar(math.sqrt(2), wide)), wide)
    twice = e.emit("Mul", x, e.emit("Add", phi, e.scalar(1, wide)))
    return cast_from(e, e.emit("Mul", twice, e.scalar(0.5, wide)), old=wide, new=dtype)

"""Elementwise operators."""

from __future__ import annotations

from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.backends.onnx.rules.table import RULES
from mgeconvert.ir import Node, Op, ops

SAME_NAME: dict[type[Op], str] = {
    ops.Abs: "Abs",
    ops.Neg: "Neg",
    ops.Exp: "Exp",
    ops.Sqrt: "Sqrt",
    ops.Identity: "Identity",
}


@RULES(*SAME_NAME, since=7)
def same_name(e: Emitter, node: Node[Op]) -> str:
    return e.emit(SAME_NAME[type(node.op)], *e.inputs(node))


@RULES(ops.LeakyRelu, since=7)
def leaky_relu(e: Emitter, node: Node[ops.LeakyRelu]) -> str:
    return e.emit("LeakyRelu", *e.inputs(node), alpha=node.op.alpha)


@RULES(ops.Silu, since=7)
def silu(e: Emitter, node: Node[ops.Silu]) -> str:
    (x,) = e.inputs(node)
    return e.emit("Mul", x, e.emit("Sigmoid", x))

"""The table that all TFLite rules register in, and what several of them need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mgeconvert.backends.tflite.emitter import Emitter
from mgeconvert.backends.tflite.schema import schema
from mgeconvert.ir import Node, Op, Value, ops
from mgeconvert.rules import Rules

Lower = Callable[[Emitter, Node[Any]], None]
RULES: Rules[type[Op], Lower] = Rules("tflite")


def activation(e: Emitter, node: Node[Any]) -> tuple[int, Value]:
    """Return the activation that the operator of `node` can compute itself, and the result then.

    That is relu, relu6 or a clip to -1..1 which alone reads the result; it is marked as done.
    """
    value = node.outputs[0]
    kind = schema.ActivationFunctionType
    if value.is_output or len(value.users) != 1 or not value.type.dtype.is_float:
        return kind.NONE, value
    (user,) = value.users
    number = _activation_of(user.op)
    if number is None or (value.quant is not None and value.quant != user.outputs[0].quant):
        return kind.NONE, value
    e.fused.add(user)
    return number, user.outputs[0]


def _activation_of(op: Op) -> int | None:
    kind = schema.ActivationFunctionType
    if isinstance(op, ops.Relu):
        return kind.RELU
    if isinstance(op, ops.Clip):
        return {(0.0, 6.0): kind.RELU6, (-1.0, 1.0): kind.RELU_N1_TO_1}.get((op.low, op.high))
    return None

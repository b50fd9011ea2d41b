"""Recurrent layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.backends.onnx.rules.table import RULES
from mgeconvert.backends.onnx.rules.typed import cast_from
from mgeconvert.ir import DType, Node, Value, ops
from mgeconvert.ir.ops.recurrent import Recurrent

ACTIVATIONS = {"tanh": "Tanh", "relu": "Relu", "identity": "Affine"}


@RULES(ops.Lstm, since=7)
def lstm(e: Emitter, node: Node[ops.Lstm]) -> Sequence[str]:
    return _recurrent(e, node, "LSTM")


@RULES(ops.Rnn, since=7)
def rnn(e: Emitter, node: Node[ops.Rnn]) -> Sequence[str]:
    directions = node.inputs[2].type.shape[0]
    count = directions if isinstance(directions, int) else 1
    affine = node.op.activation == "identity"
    return _recurrent(
        e,
        node,
        "RNN",
        activations=[ACTIVATIONS[node.op.activation]] * count,
        activation_alpha=[1.0] * count if affine else None,
        activation_beta=[0.0] * count if affine else None,
    )


def _recurrent(e: Emitter, node: Node[Recurrent], op_type: str, **attributes: Any) -> Sequence[str]:
    """Emit the layer; runtimes know float32 only, which carries the other types."""
    dtype = node.inputs[0].type.dtype
    x, w, r, _, *states = (cast_from(e, n, old=dtype, new=DType.F32) for n in e.inputs(node))
    directions, _, hidden = node.inputs[2].type.shape
    results = e.emit_multi(
        op_type,
        x,
        w,
        r,
        cast_from(e, _both_biases(e, node.inputs[3]), old=dtype, new=DType.F32),
        "",
        *states,
        count=1 + len(states),
        direction="bidirectional" if directions == 2 else None,
        hidden_size=hidden,
        **attributes,
    )
    return [cast_from(e, y, old=DType.F32, new=dtype) for y in results]


def _both_biases(e: Emitter, bias: Value) -> str:
    """ONNX has one bias for the input and one for the state: the second is zero."""
    if bias.const is not None:
        return e.constant(np.concatenate([bias.const, np.zeros_like(bias.const)], 1), "bias")
    own = e.name(bias)
    return e.emit("Concat", own, e.emit("Sub", own, own), axis=1)

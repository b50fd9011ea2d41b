"""Recurrent layers, step by step: TFLite's own keep their state from one run to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mgeconvert.backends.tflite.legalize.table import LEGAL, Rewriter
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import DType, Node, Value, ops

Step = Callable[[Rewriter, Value, Sequence[Value]], list[Value]]
"""Return the states after a step, of the sums before the activations and the states before it."""


@LEGAL(ops.Lstm)
def lstm(b: Rewriter, node: Node[ops.Lstm]) -> Sequence[Value]:
    return _unrolled(b, node, _lstm_step)


def _lstm_step(b: Rewriter, gates: Value, states: Sequence[Value]) -> list[Value]:
    """Gates i, o, f, g, as the IR has them; the first three are sigmoids."""
    hidden = states[0].type.shape[1]
    opened, new = b.emit_multi(ops.Split(axis=1, sizes=(hidden * 3, hidden)), gates)
    i, o, f = b.emit_multi(ops.Split(axis=1, sizes=(hidden,) * 3), b.emit(ops.Sigmoid(), opened))
    kept = b.emit(ops.Mul(), f, states[1])
    added = b.emit(ops.Mul(), i, b.emit(ops.Tanh(), new))
    cell = b.emit(ops.Add(), kept, added)
    return [b.emit(ops.Mul(), o, b.emit(ops.Tanh(), cell)), cell]


@LEGAL(ops.Rnn)
def rnn(b: Rewriter, node: Node[ops.Rnn]) -> Sequence[Value]:
    kinds = {"tanh": ops.Tanh, "relu": ops.Relu, "identity": None}
    kind = kinds[node.op.activation]

    def step(b: Rewriter, gates: Value, states: Sequence[Value]) -> list[Value]:
        return [gates if kind is None else b.emit(kind(), gates)]

    return _unrolled(b, node, step)


def _unrolled(b: Rewriter, node: Node[Any], step: Step) -> Sequence[Value]:
    """Return the hidden states of all steps, (T, D, N, H), and the last states, (D, N, H).

    The operands are computed with in float32.
    """
    dtype = node.inputs[0].type.dtype
    x, *rest = (b.cast(v, DType.F32) for v in node.inputs)
    steps, directions = x.type.shape[0], rest[1].type.shape[0]
    if not isinstance(steps, int) or not isinstance(directions, int):
        raise UnsupportedCase(
            f"{type(node.op).__name__} over a sequence whose length is known at run time only",
            hint="give the input a fixed length",
        )
    runs = [_direction(b, x, [_part(b, v, d) for v in rest], step, d) for d in range(directions)]
    stacked = [
        b.emit(ops.Concat(axis=0), *(b.unsqueeze(outputs[t], [0]) for outputs, _ in runs))
        for t in range(steps)
    ]
    every = b.emit(ops.Concat(axis=0), *(b.unsqueeze(y, [0]) for y in stacked))
    last = [
        b.emit(ops.Concat(axis=0), *(b.unsqueeze(states[i], [0]) for _, states in runs))
        for i in range(len(runs[0][1]))
    ]
    return [b.cast(v, dtype) for v in (every, *last)]


def _direction(
    b: Rewriter, x: Value, operands: Sequence[Value], step: Step, direction: int
) -> tuple[list[Value], list[Value]]:
    """Return the hidden states at the places of their inputs, and the last states."""
    w, r, bias, *states = operands
    count = x.type.shape[0]
    assert isinstance(count, int)
    sums = b.emit(ops.Linear(), x, w, bias)  # all steps at once
    parts = b.emit_multi(ops.Split(axis=0, sizes=(1,) * count), sums)
    outputs: list[Value] = []
    for t in range(count) if direction == 0 else reversed(range(count)):
        recurrent = b.emit(ops.Linear(), states[0], r)
        gates = b.emit(ops.Add(), b.squeeze(parts[t], [0]), recurrent)
        states = step(b, gates, states)
        outputs.append(states[0])
    return (outputs if direction == 0 else outputs[::-1]), states


def _part(b: Rewriter, x: Value, direction: int) -> Value:
    """Return the operand of one direction."""
    if x.const is not None:
        return b.constant(np.ascontiguousarray(x.const[direction]), x.name)
    rest = [None] * (x.type.rank - 1)
    return b.squeeze(b.slice(x, [(direction, direction + 1, 1), *rest]), [0])

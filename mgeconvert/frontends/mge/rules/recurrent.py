"""Recurrent layers and cells."""

from __future__ import annotations

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.call import Call
from mgeconvert.frontends.mge.rules.table import RULES
from mgeconvert.ir import Array, Op, Value, ops

NONLINEAR: dict[str, Op] = {"TANH": ops.Tanh(), "RELU": ops.Relu(), "IDENTITY": ops.Identity()}
IOFG = (0, 3, 1, 2)  # where MegEngine, which has i, f, g, o, keeps the gates of the IR
States = list[Value]


def _gates(c: Call, x: Value, w: Value, b: Value, h: Value, r: Value, d: Value) -> Value:
    """Return w x + b + r h + d, the input of all gates."""
    own = c.emit(ops.Linear(), x, w, c.reshaped(b, (-1,)))
    return c.emit(ops.Add(), own, c.emit(ops.Linear(), h, r, c.reshaped(d, (-1,))))


@RULES("RNNCellForward", "RNNCell")
def rnn_cell(c: Call, *operands: Value) -> Value:
    return c.emit(NONLINEAR[c.need("nonlineMode", *NONLINEAR)], _gates(c, *operands))


@RULES("LSTMCellForward", "LSTMCell")
def lstm_cell(c: Call, *operands: Value) -> tuple[Value, Value, Value]:
    gates = _gates(c, *operands[:6])
    state = operands[6]
    hidden = operands[4].type.shape[1]
    parts = c.emit_multi(ops.Split(axis=1, sizes=(hidden,) * 4), gates)
    i, f, o = (c.emit(ops.Sigmoid(), parts[k]) for k in (0, 1, 3))
    g = c.emit(ops.Tanh(), parts[2])
    kept = c.emit(ops.Mul(), f, state)
    state = c.emit(ops.Add(), kept, c.emit(ops.Mul(), i, g))
    return c.emit(ops.Mul(), o, c.emit(ops.Tanh(), state)), state, gates


@RULES("LSTMForward", "LSTM", limits="proj_size, which MegEngine ignores")
def lstm(c: Call, x: Value, h: Value, cell: Value, weights: Value) -> tuple[Value | None, ...]:
    if c.setting("proj_size"):
        raise UnsupportedCase("proj_size, which MegEngine ignores on the CPU")
    y, states = _layers(c, x, ops.Lstm(), [h, cell], weights, gates=4)
    return y, *states, None


@RULES("RNNForward", "RNN")
def rnn(c: Call, x: Value, h: Value, weights: Value) -> tuple[Value | None, ...]:
    name = str(c.need("nonlineMode", *NONLINEAR)).lower()
    y, states = _layers(c, x, ops.Rnn(activation=name), [h], weights, gates=1)
    return y, *states, None


def _layers(
    c: Call, x: Value, op: Op, given: States, weights: Value, *, gates: int
) -> tuple[Value, States]:
    """Add one operator for each layer; return the hidden states of all steps and the last ones."""
    directions = 2 if c.setting("bidirectional") else 1
    hidden = int(c.setting("hidden_size"))
    last: list[States] = []
    inputs = x.type.shape[2]
    if weights.const is None or not isinstance(inputs, int):
        raise UnsupportedCase("weights that are computed")
    cut = _weights(c, weights.const.reshape(-1), gates, directions, inputs)
    for layer, arrays in enumerate(cut):
        span = (layer * directions, (layer + 1) * directions, 1)
        names = (f"{weights.name}.{part}{layer}" for part in ("w", "r", "b"))
        operands = [c.constant(array, name) for array, name in zip(arrays, names)]
        begin = [c.slice(state, [span, None, None]) for state in given]
        y, *ends = c.emit_multi(op, x, *operands, *begin)
        last.append(ends)
        x = c.transpose(y, (0, 2, 1, 3))
        x = c.reshape(x, (*x.type.shape[:2], directions * hidden))
    return x, [_joined(c, list(parts)) for parts in zip(*last)]


def _joined(c: Call, parts: States) -> Value:
    return parts[0] if len(parts) == 1 else c.emit(ops.Concat(axis=0), *parts)


def _weights(
    c: Call, flat: Array, gates: int, directions: int, inputs: int
) -> list[tuple[Array, ...]]:
    """Cut the one tensor of all weights into w, r and b of each layer.

    It holds, by layer and then direction: w, r, and the two biases one after the other.
    """
    hidden, bias = int(c.setting("hidden_size")), bool(c.setting("bias"))
    rows, start, found = hidden * gates, 0, []
    for layer in range(int(c.setting("num_layers"))):
        size = directions * hidden if layer else inputs
        each = rows * (size + hidden + 2 * bias)
        if start + directions * each > flat.size:
            raise UnsupportedCase(f"{flat.size} weights for {c.setting('num_layers')} layers")
        parts = [
            _cell(flat[start + d * each : start + (d + 1) * each], rows, size, hidden)
            for d in range(directions)
        ]
        start += directions * each
        found.append(
            tuple(np.stack([_reordered(a, gates) for a in group]) for group in zip(*parts))
        )
    return found


def _cell(flat: Array, rows: int, size: int, hidden: int) -> tuple[Array, Array, Array]:
    w, r = rows * size, rows * hidden
    rest = flat[w + r :]
    bias = rest.reshape(2, rows).sum(0) if rest.size else np.zeros(rows, flat.dtype)
    return flat[:w].reshape(rows, size), flat[w : w + r].reshape(rows, hidden), bias


def _reordered(array: Array, gates: int) -> Array:
    if gates == 1:
        return array
    return array.reshape(gates, -1, *array.shape[1:])[list(IOFG)].reshape(array.shape)

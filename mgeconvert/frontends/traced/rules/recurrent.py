"""Recurrent layers and cells."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.conv import linear
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import Array, DType, Op, Value, ops
from mgeconvert.ir.ops.recurrent import ACTIVATIONS

NONLINEAR: dict[str, Op] = {
    "tanh": ops.Tanh(),
    "relu": ops.Relu(),
    "identity": ops.Identity(),
}


def _gates(c: Call, x: Value, h: Value) -> Value:
    """Return W x + b + R h + b', the input of all gates."""
    own = linear(c, x, c.required("weight_ih"), c.required("bias_ih"))
    back = linear(c, h, c.required("weight_hh"), c.required("bias_hh"))
    return c.emit(ops.Add(), own, back)


@RULES("module:RNNCell")
def rnn_cell(c: Call, input: Value, hx: Value | None = None) -> Value:
    if hx is None:
        hx = c.full((input.type.shape[0], c.setting("hidden_size")), 0, DType.F32)
    return c.emit(_nonlinear(c), _gates(c, input, hx))


def _nonlinear(c: Call) -> Op:
    name = str(c.setting("nonlinearity")).lower()
    if name not in NONLINEAR:
        raise UnsupportedCase(f"the nonlinearity {name!r}")
    return NONLINEAR[name]


@RULES("module:LSTMCell")
def lstm_cell(c: Call, input: Value, hx: tuple[Value, Value] | None = None) -> tuple[Value, Value]:
    hidden = c.setting("hidden_size")
    if hx is None:
        zeros = c.full((input.type.shape[0], hidden), 0, DType.F32)
        hx = (zeros, zeros)
    h, state = hx
    parts = c.emit_multi(ops.Split(axis=1, sizes=(hidden,) * 4), _gates(c, input, h))
    i, f, o = (c.emit(ops.Sigmoid(), parts[k]) for k in (0, 1, 3))
    g = c.emit(ops.Tanh(), parts[2])
    kept = c.emit(ops.Mul(), f, state)
    state = c.emit(ops.Add(), kept, c.emit(ops.Mul(), i, g))
    return c.emit(ops.Mul(), o, c.emit(ops.Tanh(), state)), state


States = list[Value]
IOFG = (0, 3, 1, 2)  # where MegEngine, which has i, f, g, o, keeps the gates of the IR


@RULES("module:LSTM")
def lstm(c: Call, input: Value, hx: Any = None) -> tuple[Value, tuple[Value, Value]]:
    y, (h, cell) = _layers(c, input, ops.Lstm(), list(hx) if hx else None, gates=4, states=2)
    return y, (h, cell)


@RULES("module:RNN")
def rnn(c: Call, input: Value, hx: Value | None = None) -> tuple[Value, Value]:
    name = str(c.setting("nonlinearity")).lower()
    if name not in ACTIVATIONS:
        raise UnsupportedCase(f"the nonlinearity {name!r}")
    op = ops.Rnn(activation=name)
    y, (h,) = _layers(c, input, op, None if hx is None else [hx], gates=1, states=1)
    return y, h


def _layers(
    c: Call, x: Value, op: Op, given: States | None, *, gates: int, states: int
) -> tuple[Value, States]:
    """Add one operator for each layer; return the hidden states of all steps and the last ones."""
    if c.setting("proj_size"):
        raise UnsupportedCase("proj_size, which MegEngine ignores on the CPU")
    x = c.transpose(x, (1, 0, 2)) if c.setting("batch_first") else x
    directions = 2 if c.setting("bidirectional") else 1
    hidden, layers = c.setting("hidden_size"), c.setting("num_layers")
    shape = (directions, x.type.shape[1], hidden)
    last: list[States] = []
    for layer, weights in enumerate(_weights(c, gates, layers, directions)):
        span = (layer * directions, (layer + 1) * directions, 1)
        if given is None:
            begin = [c.full(shape, 0, DType.F32)] * states
        else:
            begin = [c.slice(state, [span, None, None]) for state in given]
        y, *ends = c.emit_multi(op, x, *weights, *begin)
        last.append(ends)
        x = c.transpose(y, (0, 2, 1, 3))
        x = c.reshape(x, (*x.type.shape[:2], directions * hidden))
    joined = [_joined(c, list(parts)) for parts in zip(*last)]
    return (c.transpose(x, (1, 0, 2)) if c.setting("batch_first") else x), joined


def _joined(c: Call, parts: States) -> Value:
    return parts[0] if len(parts) == 1 else c.emit(ops.Concat(axis=0), *parts)


def _weights(c: Call, gates: int, layers: int, directions: int) -> list[States]:
    """Cut what MegEngine keeps in one tensor into w, r and b of each layer.

    It holds, by layer and then direction: w, r, and the two biases one after the other.
    """
    flat = c.required("_flatten_weights").const
    if flat is None:
        raise UnsupportedCase("weights that are computed")
    hidden, rows, bias = (
        c.setting("hidden_size"),
        c.setting("hidden_size") * gates,
        c.setting("bias"),
    )
    flat, start, found = flat.reshape(-1), 0, []
    for layer in range(layers):
        size = directions * hidden if layer else c.setting("input_size")
        each = rows * (size + hidden + 2 * bool(bias))
        if start + directions * each > flat.size:
            raise UnsupportedCase(f"{flat.size} weights for {layers} layers")
        parts = [
            _cell(flat[start + d * each : start + (d + 1) * each], rows, size, hidden)
            for d in range(directions)
        ]
        start += directions * each
        names = ("weight_ih", "weight_hh", "bias")
        arrays = (np.stack([_reordered(a, gates) for a in group]) for group in zip(*parts))
        path = f"{c.module.path}." if c.module and c.module.path else ""
        found.append([c.constant(a, f"{path}{n}_l{layer}") for a, n in zip(arrays, names)])
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

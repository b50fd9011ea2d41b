"""Recurrent layers and cells."""

from __future__ import annotations

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.conv import linear
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import DType, Op, Value, ops

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

"""Recurrent layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mgeconvert.errors import ShapeError, UnsupportedCase
from mgeconvert.frontends.onnx.call import Call
from mgeconvert.frontends.onnx.rules.table import RULES
from mgeconvert.ir import Op, Value, ops

ACTIVATIONS = {"Tanh": "tanh", "Relu": "relu"}
USUAL = ("Sigmoid", "Tanh", "Tanh")
LIMITS = "sequences of one length, no clipping, no peepholes, the usual activations"


@RULES("LSTM", since=7, limits=LIMITS)
def lstm(
    c: Call,
    x: Value,
    w: Value,
    r: Value,
    b: Value | None = None,
    lengths: Value | None = None,
    h: Value | None = None,
    cell: Value | None = None,
    peepholes: Value | None = None,
) -> tuple[Value, ...]:
    c.need("input_forget", 0)
    if peepholes is not None and (peepholes.const is None or np.any(peepholes.const)):
        raise UnsupportedCase("peepholes")
    names = list(c.attribute("activations", USUAL))
    if names not in (list(USUAL), [*USUAL, *USUAL]):
        raise UnsupportedCase(f"activations {', '.join(names)}")
    return _recurrent(c, ops.Lstm(), [x, w, r, b, h, cell], lengths)


@RULES("RNN", since=7, limits=LIMITS)
def rnn(
    c: Call,
    x: Value,
    w: Value,
    r: Value,
    b: Value | None = None,
    lengths: Value | None = None,
    h: Value | None = None,
) -> tuple[Value, ...]:
    return _recurrent(c, ops.Rnn(activation=_activation(c)), [x, w, r, b, h], lengths)


def _activation(c: Call) -> str:
    names = tuple(dict.fromkeys(c.attribute("activations", ("Tanh",))))
    if len(names) == 1 and names[0] in ACTIVATIONS:
        return ACTIVATIONS[names[0]]
    slopes, shifts = set(c.attribute("activation_alpha", ())), c.attribute("activation_beta", ())
    if names == ("Affine",) and slopes == {1.0} and not any(shifts):
        return "identity"
    raise UnsupportedCase(f"activations {', '.join(names)}")


def _recurrent(
    c: Call, op: Op, operands: Sequence[Value | None], lengths: Value | None
) -> tuple[Value, ...]:
    """Operands are x, w, r and, where they are given, b and the states."""
    x, w, r, b, *states = operands
    assert x is not None
    assert w is not None
    assert r is not None
    if c.has("clip"):
        raise UnsupportedCase("clip")
    if {x.type.rank, w.type.rank, r.type.rank} != {3}:
        raise ShapeError(f"x is {x.type}, w is {w.type}, r is {r.type}")
    batch_first = bool(c.attribute("layout", 0))
    x = c.transpose(x, (1, 0, 2)) if batch_first else x
    _need_whole(c, x, lengths)
    directions, hidden = r.type.shape[0], r.type.shape[2]
    begin = [
        c.full((directions, x.type.shape[1], hidden), 0, x.type.dtype)
        if s is None
        else c.transpose(s, (1, 0, 2))
        if batch_first
        else s
        for s in states
    ]
    backwards = c.need("direction", "forward", "reverse", "bidirectional") == "reverse"
    x = c.flipped(x, 0) if backwards else x
    y, *last = c.emit_multi(op, x, w, r, _bias(c, w, b), *begin)
    y = c.flipped(y, 0) if backwards else y
    if batch_first:
        return (
            c.transpose(y, (2, 0, 1, 3)) if c.wants(0) else y,
            *(c.transpose(s, (1, 0, 2)) if c.wants(i) else s for i, s in enumerate(last, 1)),
        )
    return (y, *last)


def _need_whole(c: Call, x: Value, lengths: Value | None) -> None:
    """Raise UnsupportedCase unless all sequences are as long as the tensor."""
    steps = x.type.shape[0]
    if lengths is not None and (lengths.const is None or np.any(lengths.const != steps)):
        raise UnsupportedCase("sequence_lens")


def _bias(c: Call, w: Value, b: Value | None) -> Value:
    """ONNX has one bias for the input and one for the state; the IR has their sum."""
    rows = w.type.shape[:2]
    if b is None:
        return c.full(rows, 0, w.type.dtype)
    if b.type.rank != 2:
        raise ShapeError(f"the bias is {b.type}")
    if b.const is not None and b.const.shape == (rows[0], 2 * rows[1]):
        mine, other = np.split(b.const, 2, 1)
        return c.constant(mine + other if np.any(other) else np.ascontiguousarray(mine), b.name)
    parts = c.emit_multi(ops.Split(axis=1, sizes=(rows[1], rows[1])), b)
    return c.emit(ops.Add(), *parts)

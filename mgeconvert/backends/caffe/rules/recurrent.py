"""Recurrent layers, written out step by step."""

from __future__ import annotations

from typing import Any

from mgeconvert.backends.caffe.binary import sum_of
from mgeconvert.backends.caffe.emitter import Blob, Emitter, floats
from mgeconvert.backends.caffe.moving import cut_all
from mgeconvert.backends.caffe.pieces import (
    concat,
    inner_product,
    product,
    relu,
    reshape,
    slice_all,
    total,
    unary,
)
from mgeconvert.backends.caffe.rules.network import by_rows
from mgeconvert.backends.caffe.rules.table import RULES
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import Array, Node, ops

MOST_STEPS = 128


@RULES(ops.Lstm, ops.Rnn, limits="up to 128 steps")
def recurrent(e: Emitter, node: Node[Any]) -> list[Blob]:
    x, w, r, b, *states = node.inputs
    sequence = e.blob(x)
    steps, directions = sequence.shape[0], w.type.static[0] if w.type.static else 1
    if steps > MOST_STEPS:
        raise UnsupportedCase(
            f"a recurrent layer over {steps} steps", hint=f"up to {MOST_STEPS} are written out"
        )
    begin = [_directions(e, e.blob(s), directions) for s in states]
    computed = any(v.const is None for v in (w, r, b))
    ws, rs, bs = (
        _directions(e, e.blob(v), directions) if computed else list(floats(v)) for v in (w, r, b)
    )
    rows: list[list[Blob]] = []
    last: list[list[Blob]] = []
    for d in range(directions):
        gates = _linear(e, sequence, ws[d], bs[d])
        ys, end = _run(e, node, gates, rs[d], [s[d] for s in begin], backwards=d == 1)
        rows.append(ys)
        last.append(end)
    batch, hidden = begin[0][0].shape
    ordered = [reshape(e, y, (1, 1, batch, hidden)) for step in zip(*rows) for y in step]
    y = concat(
        e,
        [concat(e, ordered[i : i + directions], 1) for i in range(0, len(ordered), directions)],
        0,
    )
    ends = [
        concat(e, [reshape(e, end[i], (1, batch, hidden)) for end in last], 0)
        for i in range(len(states))
    ]
    return [y, *ends]


def _linear(e: Emitter, x: Blob, w: Array | Blob, b: Array | Blob | None = None) -> Blob:
    """Return x @ w.T + b of both constants or both computed."""
    if not isinstance(w, Blob):
        assert not isinstance(b, Blob)
        return inner_product(e, x, w, b)
    y = by_rows(e, x, w)
    return sum_of(e, y, b) if isinstance(b, Blob) else y


def _directions(e: Emitter, state: Blob, directions: int) -> list[Blob]:
    """Return what is for each direction of (D, *S), as (*S)."""
    parts = cut_all(e, state, 0, range(1, directions)) if directions > 1 else [state]
    return [reshape(e, part, state.shape[1:]) for part in parts]


def _run(
    e: Emitter, node: Node[Any], gates: Blob, r: Array | Blob, state: list[Blob], *, backwards: bool
) -> tuple[list[Blob], list[Blob]]:
    """Return the hidden states (N, H) by place of the input, and the last states."""
    steps = slice_all(e, gates, 0, range(1, gates.shape[0]))
    order = list(range(len(steps)))
    found: dict[int, Blob] = {}
    for t in reversed(order) if backwards else order:
        step = reshape(e, steps[t], gates.shape[1:])
        state = _step(e, node.op, total(e, step, _linear(e, state[0], r)), state)
        found[t] = state[0]
    return [found[t] for t in order], state


def _step(e: Emitter, op: ops.Lstm | ops.Rnn, gates: Blob, state: list[Blob]) -> list[Blob]:
    if isinstance(op, ops.Rnn):
        if op.activation == "tanh":
            return [unary(e, "TanH", gates)]
        return [relu(e, gates) if op.activation == "relu" else gates]
    hidden = gates.shape[1] // 4
    i, o, f, g = slice_all(e, gates, 1, [hidden, 2 * hidden, 3 * hidden])
    kept = product(e, unary(e, "Sigmoid", f), state[1])
    new = product(e, unary(e, "Sigmoid", i), unary(e, "TanH", g))
    cell = total(e, kept, new)
    return [product(e, unary(e, "Sigmoid", o), unary(e, "TanH", cell)), cell]

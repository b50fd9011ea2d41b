"""Recurrent layers over whole sequences, in one direction or in both."""

from __future__ import annotations

import numpy as np

from mgeconvert.errors import ShapeError
from mgeconvert.ir.op import Array, Arrays, Op, Types, op
from mgeconvert.ir.ops.activation import sigmoid
from mgeconvert.ir.ops.infer import need_rank, same_dtype
from mgeconvert.ir.types import TensorType

ACTIVATIONS = ("tanh", "relu", "identity")


class Recurrent(Op):
    """Base: x is (T, N, I), w (D, G * H, I), r (D, G * H, H), b (D, G * H), states (D, N, H).

    Direction 0 runs forwards, direction 1 backwards. The first result has the hidden states of all
    steps, (T, D, N, H), each at the place of its input; then follow the last states, (D, N, H).
    """

    def gates(self) -> int:
        """Return G, how many vectors of H elements a step computes."""
        raise NotImplementedError

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        x, w, r, b, *states = types
        dtype = same_dtype(types)
        for type_, rank in zip(types, (3, 3, 3, 2, 3, 3)):
            need_rank(type_, (rank,), "an operand")
        directions, hidden = r.shape[0], r.shape[2]
        rows, batch = hidden * self.gates(), x.shape[1]
        if (
            directions not in (1, 2)
            or w.shape != (directions, rows, x.shape[2])
            or r.shape != (directions, rows, hidden)
            or b.shape != (directions, rows)
            or any(s.shape != (directions, batch, hidden) for s in states)
        ):
            raise ShapeError(f"{self} of {', '.join(map(str, types))}")
        last = TensorType(dtype, (directions, batch, hidden))
        return (TensorType(dtype, (x.shape[0], directions, batch, hidden)), *([last] * len(states)))

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        x, w, r, b, *states = arrays
        steps, batch = x.shape[:2]
        y = np.zeros((steps, r.shape[0], batch, r.shape[2]), x.dtype)
        last = [s.copy() for s in states]
        for d in range(r.shape[0]):
            current = [s[d] for s in states]
            for t in range(steps) if d == 0 else reversed(range(steps)):
                current = self.step(x[t] @ w[d].T + current[0] @ r[d].T + b[d], current)
                y[t, d] = current[0]
            for state, value in zip(last, current):
                state[d] = value
        return (y, *last)

    def step(self, gates: Array, states: list[Array]) -> list[Array]:
        """Return the states after a step, the hidden one first."""
        raise NotImplementedError


@op("x w r b h c")
class Lstm(Recurrent):
    """Long short-term memory; gates in the order i, o, f, g.

    c' = sigmoid(f) * c + sigmoid(i) * tanh(g) and h' = sigmoid(o) * tanh(c').
    """

    def gates(self) -> int:
        return 4

    def step(self, gates: Array, states: list[Array]) -> list[Array]:
        i, o, f, g = np.split(gates, 4, -1)
        cell = sigmoid(f) * states[1] + sigmoid(i) * np.tanh(g)
        return [sigmoid(o) * np.tanh(cell), cell]


@op("x w r b h")
class Rnn(Recurrent):
    """An Elman network: h' = activation(w x + r h + b)."""

    activation: str = "tanh"

    def gates(self) -> int:
        if self.activation not in ACTIVATIONS:
            raise ShapeError(f"{self.activation!r} is no activation of a recurrent layer")
        return 1

    def step(self, gates: Array, states: list[Array]) -> list[Array]:
        if self.activation == "tanh":
            return [np.tanh(gates)]
        return [np.maximum(gates, 0) if self.activation == "relu" else gates]

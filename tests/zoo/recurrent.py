"""Recurrent networks: MegEngine's cells and layers, and a loop written by hand."""

from __future__ import annotations

import megengine as mge
import megengine.functional as F
import megengine.module as M
import numpy as np
from megengine import Tensor


class GruCell(M.Module):
    """A gated recurrent unit from two linear layers."""

    def __init__(self, inside: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.from_input = M.Linear(inside, 3 * hidden)
        self.from_hidden = M.Linear(hidden, 3 * hidden)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        reset, update, new = F.split(self.from_input(x), 3, axis=-1)
        gates = self.from_hidden(h)
        h_reset, h_update, h_new = F.split(gates, [self.hidden, 2 * self.hidden], axis=1)
        reset = F.sigmoid(reset + h_reset)
        update = F.sigmoid(update + h_update)
        new = F.tanh(new + reset * h_new)
        return (1 - update) * new + update * h


class HandWritten(M.Module):
    """Sequences (N, T, C) to all states (N, T, H) and logits of the last (N, classes)."""

    def __init__(self, inside: int, hidden: int, steps: int, classes: int) -> None:
        super().__init__()
        self.steps, self.hidden = steps, hidden
        self.cell = GruCell(inside, hidden)
        self.head = M.Linear(hidden, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = F.zeros((x.shape[0], self.hidden))
        states = []
        for i in range(self.steps):
            h = self.cell(x[:, i], h)
            states.append(h)
        return F.stack(states, axis=1), self.head(h)


class LstmTagger(M.Module):
    """MegEngine's LSTM, two layers, both directions, batch first; tags per step."""

    def __init__(self, inside: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.lstm = M.LSTM(inside, hidden, num_layers=2, bidirectional=True, batch_first=True)
        self.head = M.Linear(2 * hidden, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y, (h, _) = self.lstm(x)
        return self.head(y), h[-1]


class RnnReader(M.Module):
    """MegEngine's RNN over (T, N, C) with an initial state."""

    def __init__(self, inside: int, hidden: int) -> None:
        super().__init__()
        self.rnn = M.RNN(inside, hidden, nonlinearity="tanh")
        self.start = mge.Parameter(np.zeros((1, 1, hidden), np.float32))

    def forward(self, x: Tensor) -> Tensor:
        batch = x.shape[1]
        h = F.broadcast_to(self.start, (1, batch, self.start.shape[2]))
        y, _ = self.rnn(x, h)
        return y[-1]


class CellDecoder(M.Module):
    """An LSTMCell and an RNNCell unrolled by hand; state comes in and goes out."""

    def __init__(self, inside: int, hidden: int, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.cell = M.LSTMCell(inside, hidden)
        self.reader = M.RNNCell(hidden, hidden, nonlinearity="relu")
        self.back = M.Linear(hidden, inside)

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        for _ in range(self.steps):
            h, c = self.cell(x, (h, c))
            x = self.back(self.reader(h, c))
        return x, h, c

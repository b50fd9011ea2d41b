"""BERT-like encoders: token ids and a mask to hidden states and a pooled vector."""

from __future__ import annotations

import math

import megengine.functional as F
import megengine.module as M
import numpy as np
from megengine import Tensor


class Embeddings(M.Module):
    def __init__(self, vocabulary: int, positions: int, channels: int) -> None:
        super().__init__()
        self.word = M.Embedding(vocabulary, channels)
        self.position = M.Embedding(positions, channels)
        self.kind = M.Embedding(2, channels)
        self.norm = M.LayerNorm(channels, eps=1e-12)
        self.dropout = M.Dropout(0.1)

    def forward(self, ids: Tensor, kinds: Tensor) -> Tensor:
        length = ids.shape[1]
        positions = F.linspace(0, length - 1, length).astype(np.int32)
        positions = F.broadcast_to(F.expand_dims(positions, 0), ids.shape)
        total = self.word(ids) + self.position(positions) + self.kind(kinds)
        return self.dropout(self.norm(total))


class SelfAttention(M.Module):
    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads, self.depth = heads, channels // heads
        self.query = M.Linear(channels, channels)
        self.key = M.Linear(channels, channels)
        self.value = M.Linear(channels, channels)
        self.dense = M.Linear(channels, channels)
        self.norm = M.LayerNorm(channels, eps=1e-12)

    def split_heads(self, x: Tensor) -> Tensor:
        """Return (N, heads, T, depth) of (N, T, C)."""
        x = x.reshape(x.shape[0], x.shape[1], self.heads, self.depth)
        return x.transpose(0, 2, 1, 3)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        q = self.split_heads(self.query(x))
        k = self.split_heads(self.key(x))
        v = self.split_heads(self.value(x))
        scores = F.matmul(q, k.transpose(0, 1, 3, 2)) / math.sqrt(self.depth)
        weights = F.softmax(scores + mask, axis=3)
        y = F.matmul(weights, v).transpose(0, 2, 1, 3)
        y = y.reshape(y.shape[0], y.shape[1], self.heads * self.depth)
        return self.norm(self.dense(y) + x)


class Layer(M.Module):
    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.attention = SelfAttention(channels, heads)
        self.up = M.Linear(channels, 2 * channels)
        self.down = M.Linear(2 * channels, channels)
        self.norm = M.LayerNorm(channels, eps=1e-12)

    def gelu(self, x: Tensor) -> Tensor:
        """Return the tanh approximation that the first BERT had."""
        return 0.5 * x * (1 + F.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.attention(x, mask)
        return self.norm(x + self.down(self.gelu(self.up(x))))


class Bert(M.Module):
    """ids, mask, kinds, each (N, T) int32, to states (N, T, C) and pooled (N, C)."""

    def __init__(
        self, vocabulary: int, positions: int, channels: int, depth: int, heads: int
    ) -> None:
        super().__init__()
        self.embeddings = Embeddings(vocabulary, positions, channels)
        self.layers = [Layer(channels, heads) for _ in range(depth)]
        self.pooler = M.Linear(channels, channels)

    def forward(self, ids: Tensor, mask: Tensor, kinds: Tensor) -> tuple[Tensor, Tensor]:
        bias = F.expand_dims(mask, (1, 2)).astype("float32")
        bias = (1.0 - bias) * -10000.0
        x = self.embeddings(ids, kinds)
        for layer in self.layers:
            x = layer(x, bias)
        pooled = F.tanh(self.pooler(x[:, 0, :]))
        return x, pooled

"""Swin-like networks: attention in windows, which every second block shifts."""

from __future__ import annotations

import megengine as mge
import megengine.functional as F
import megengine.module as M
import numpy as np
from megengine import Tensor


def to_windows(x: Tensor, size: int) -> Tensor:
    """Return (N * windows, size * size, C) of (N, H, W, C)."""
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height // size, size, width // size, size, channels)
    return F.transpose(x, (0, 1, 3, 2, 4, 5)).reshape(-1, size * size, channels)


def from_windows(windows: Tensor, size: int, side: int) -> Tensor:
    """Return (N, side, side, C) of (N * windows, size * size, C)."""
    cells = side // size
    x = windows.reshape(-1, cells, cells, size, size, windows.shape[-1])
    return x.transpose((0, 1, 3, 2, 4, 5)).reshape(-1, side, side, x.shape[-1])


def relative_index(size: int) -> np.ndarray:
    """Return for each pair of positions in a window the row of their relative position."""
    grid = np.stack(np.meshgrid(np.arange(size), np.arange(size), indexing="ij")).reshape(2, -1)
    delta = grid[:, :, None] - grid[:, None, :] + size - 1
    return (delta[0] * (2 * size - 1) + delta[1]).astype(np.int32)


def shift_mask(side: int, size: int, shift: int) -> np.ndarray:
    """Return (windows, size ** 2, size ** 2): 0 where two positions belong together, else -100."""
    region = np.zeros((side, side))
    spans = (slice(0, -size), slice(-size, -shift), slice(-shift, None))
    for i, rows in enumerate(spans):
        for j, columns in enumerate(spans):
            region[rows, columns] = 3 * i + j
    cells = side // size
    ids = region.reshape(cells, size, cells, size).transpose(0, 2, 1, 3).reshape(-1, size * size)
    return np.where(ids[:, None] == ids[:, :, None], 0.0, -100.0).astype(np.float32)


class WindowAttention(M.Module):
    def __init__(self, channels: int, heads: int, size: int) -> None:
        super().__init__()
        self.channels, self.heads, self.size = channels, heads, size
        self.scale = (channels // heads) ** -0.5
        self.table = mge.Parameter(np.zeros(((2 * size - 1) ** 2, heads), np.float32))
        self.index = mge.Tensor(relative_index(size).reshape(-1))
        self.qkv = M.Linear(channels, 3 * channels)
        self.proj = M.Linear(channels, channels)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        area, depth = self.size**2, self.channels // self.heads
        qkv = self.qkv(x).reshape(-1, area, 3, self.heads, depth).transpose(2, 0, 3, 1, 4)
        q, k, v = qkv[0] * self.scale, qkv[1], qkv[2]
        scores = F.matmul(q, k, transpose_b=True)
        bias = self.table[self.index].reshape(area, area, -1).transpose(2, 0, 1)
        scores = scores + F.expand_dims(bias, axis=0)
        if mask is not None:
            count = mask.shape[0]
            scores = scores.reshape(-1, count, self.heads, area, area)
            scores = scores + F.expand_dims(mask, [0, 2])
            scores = scores.reshape(-1, self.heads, area, area)
        y = F.matmul(F.softmax(scores, -1), v)
        return self.proj(y.transpose(0, 2, 1, 3).reshape(-1, area, self.channels))


class SwinBlock(M.Module):
    def __init__(self, channels: int, heads: int, *, side: int, size: int, shift: int) -> None:
        super().__init__()
        self.side, self.size, self.shift = side, size, shift
        self.norm1 = M.LayerNorm(channels)
        self.attn = WindowAttention(channels, heads, size)
        self.norm2 = M.LayerNorm(channels)
        self.fc1 = M.Linear(channels, 2 * channels)
        self.fc2 = M.Linear(2 * channels, channels)
        self.mask = mge.Tensor(shift_mask(side, size, shift)) if shift else None

    def forward(self, x: Tensor) -> Tensor:
        batch, channels = x.shape[0], x.shape[2]
        y = self.norm1(x).reshape(batch, self.side, self.side, channels)
        if self.shift:
            y = F.roll(y, (-self.shift, -self.shift), axis=(1, 2))
        y = from_windows(self.attn(to_windows(y, self.size), self.mask), self.size, self.side)
        if self.shift:
            y = F.roll(y, shift=(self.shift, self.shift), axis=(1, 2))
        x = x + y.reshape(batch, -1, channels)
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class PatchMerge(M.Module):
    """Join each two by two neighbours: (N, H * W, C) to (N, H * W / 4, 2 C)."""

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.norm = M.LayerNorm(4 * channels)
        self.reduce = M.Linear(4 * channels, 2 * channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        batch, _, channels = x.shape
        x = x.reshape(batch, self.side, self.side, channels)
        corners = [x[:, i::2, j::2, :] for j in (0, 1) for i in (0, 1)]
        x = F.concat(corners, -1).reshape(batch, -1, 4 * channels)
        return self.reduce(self.norm(x))


class Swin(M.Module):
    """Images (N, 3, side, side) to logits (N, classes)."""

    def __init__(self, side: int, patch: int, size: int, channels: int, classes: int) -> None:
        super().__init__()
        self.embed = M.Conv2d(3, channels, patch, patch)
        side //= patch
        self.stage1 = M.Sequential(
            SwinBlock(channels, 2, side=side, size=size, shift=0),
            SwinBlock(channels, 2, side=side, size=size, shift=size // 2),
        )
        self.merge = PatchMerge(channels, side)
        self.stage2 = SwinBlock(2 * channels, 4, side=side // 2, size=size, shift=0)
        self.norm = M.LayerNorm(2 * channels)
        self.head = M.Linear(2 * channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x).flatten(2).transpose(0, 2, 1)
        x = self.stage2(self.merge(self.stage1(x)))
        x = F.mean(F.swapaxes(self.norm(x), 1, 2), -1)
        return self.head(x)

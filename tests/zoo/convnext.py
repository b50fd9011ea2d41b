"""ConvNeXt-like networks: large depthwise kernels, channels-last layer norms, layer scale."""

from __future__ import annotations

import megengine as mge
import megengine.functional as F
import megengine.module as M
import numpy as np
from megengine import Tensor


class ChannelNorm(M.Module):
    """Layer norm over axis 1 of (N, C, H, W), written out."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.gain = mge.Parameter(np.ones(channels, np.float32))
        self.offset = mge.Parameter(np.zeros(channels, np.float32))

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(1, keepdims=True)
        var = ((x - mean) ** 2).mean(1, keepdims=True)
        x = (x - mean) / F.sqrt(var + self.eps)
        return self.gain[None, :, None, None] * x + self.offset.reshape(1, -1, 1, 1)


class NextBlock(M.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dwconv = M.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = M.LayerNorm(channels, eps=1e-6)
        self.pwconv1 = M.Linear(channels, 4 * channels)
        self.act = M.GELU()
        self.pwconv2 = M.Linear(4 * channels, channels)
        self.gamma = mge.Parameter(1e-1 * np.ones(channels, np.float32))

    def forward(self, x: Tensor) -> Tensor:
        y = F.transpose(self.dwconv(x), (0, 2, 3, 1))
        y = self.pwconv2(self.act(self.pwconv1(self.norm(y))))
        y = F.transpose(self.gamma * y, (0, 3, 1, 2))
        return x + y


class ConvNext(M.Module):
    """Images (N, 3, H, W) to logits (N, classes)."""

    def __init__(self, widths: tuple[int, ...], depths: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.stages = []
        inside = 3
        for i, (outside, depth) in enumerate(zip(widths, depths)):
            size = 2 if i else 4
            down = [M.Conv2d(inside, outside, size, size), ChannelNorm(outside)]
            layers = down if i == 0 else [ChannelNorm(inside), down[0]]
            self.stages.append(M.Sequential(*layers, *[NextBlock(outside) for _ in range(depth)]))
            inside = outside
        self.norm = M.LayerNorm(inside)
        self.head = M.Linear(inside, classes)

    def forward(self, x: Tensor) -> Tensor:
        for stage in self.stages:
            x = stage(x)
        return self.head(self.norm(F.mean(x, [-2, -1])))

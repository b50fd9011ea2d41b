"""YOLO-like networks: space to depth by strided slices, cross-stage parts, pooled pyramids."""

from __future__ import annotations

import megengine.functional as F
import megengine.module as M
import numpy as np
from megengine import Tensor


class ConvAct(M.Module):
    def __init__(self, inside: int, outside: int, size: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = M.Conv2d(inside, outside, size, stride, padding=(size - 1) // 2, bias=False)
        self.bn = M.BatchNorm2d(outside, eps=1e-3, momentum=0.03)
        self.act = M.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.bn(self.conv(x)))


class Focus(M.Module):
    """(N, C, H, W) to (N, 4 C, H / 2, W / 2), then convolve."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.conv = ConvAct(inside * 4, outside, 3)

    def forward(self, x: Tensor) -> Tensor:
        top_left = x[..., ::2, ::2]
        top_right = x[..., ::2, 1::2]
        bottom_left = x[..., 1::2, ::2]
        bottom_right = x[..., 1::2, 1::2]
        return self.conv(F.concat((top_left, bottom_left, top_right, bottom_right), axis=1))


class SpatialPyramid(M.Module):
    """SPP: the input beside its maxima over growing windows."""

    def __init__(self, inside: int, outside: int, windows: tuple[int, ...] = (3, 5, 7)) -> None:
        super().__init__()
        self.enter = ConvAct(inside, inside // 2, 1)
        self.pools = [M.MaxPool2d(k, stride=1, padding=k // 2) for k in windows]
        self.leave = ConvAct(inside // 2 * (len(windows) + 1), outside, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x)
        return self.leave(F.concat([x, *[pool(x) for pool in self.pools]], axis=1))


class CrossStage(M.Module):
    """CSP: one part goes through residual layers, the other passes."""

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        half = channels // 2
        self.deep = ConvAct(channels, half, 1)
        self.pass_ = ConvAct(channels, half, 1)
        self.blocks = [
            M.Sequential(ConvAct(half, half, 1), ConvAct(half, half, 3)) for _ in range(depth)
        ]
        self.join = ConvAct(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.deep(x)
        for block in self.blocks:
            y = y + block(y)
        return self.join(F.concat((y, self.pass_(x)), axis=1))


class Yolo(M.Module):
    """Images (N, 3, H, W) to decoded boxes and scores (N, H / 8 * W / 8, 5 + classes)."""

    def __init__(self, width: int, classes: int, side: int) -> None:
        super().__init__()
        self.classes = classes
        self.focus = Focus(3, width)
        self.stages = M.Sequential(
            ConvAct(width, 2 * width, 3, 2),
            CrossStage(2 * width, 2),
            ConvAct(2 * width, 4 * width, 3, 2),
            SpatialPyramid(4 * width, 4 * width),
        )
        self.box = M.Conv2d(4 * width, 4, 1)
        self.object = M.Conv2d(4 * width, 1, 1)
        self.score = M.Conv2d(4 * width, classes, 1)
        cells = side // 8
        ys, xs = np.meshgrid(np.arange(cells), np.arange(cells), indexing="ij")
        self.grid = np.stack((xs, ys), 2).reshape(1, -1, 2).astype(np.float32)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stages(self.focus(x))
        scores = F.sigmoid(F.concat([self.object(x), self.score(x)], 1))
        y = F.concat([self.box(x), scores], axis=1)
        y = F.flatten(y, start_axis=2)
        y = F.transpose(y, (0, 2, 1))
        grid = Tensor(self.grid)
        y[..., :2] = (y[..., :2] + grid) * 8
        y[..., 2:4] = F.exp(y[..., 2:4]) * 8
        return y

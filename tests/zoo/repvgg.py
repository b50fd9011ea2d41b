"""RepVGG-like blocks as they are trained: a 3x3, a 1x1 and an identity branch, each normalised."""

from __future__ import annotations

import megengine.functional as F
import megengine.module as M
from megengine import Tensor


class RepBlock(M.Module):
    def __init__(self, inside: int, outside: int, *, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.nonlinearity = M.ReLU()
        self.dense = M.ConvBn2d(
            inside, outside, 3, stride=stride, padding=1, groups=groups, bias=False
        )
        self.point = M.ConvBn2d(inside, outside, 1, stride=stride, groups=groups, bias=False)
        same = inside == outside and stride == 1
        self.identity = M.BatchNorm2d(inside) if same else None

    def forward(self, x: Tensor) -> Tensor:
        skip = 0 if self.identity is None else self.identity(x)
        return self.nonlinearity(self.dense(x) + self.point(x) + skip)


class RepVGG(M.Module):
    def __init__(self, widths: tuple[int, ...], depths: tuple[int, ...], classes: int) -> None:
        super().__init__()
        inside = 3
        for i, (outside, depth) in enumerate(zip(widths, depths)):
            blocks = [RepBlock(inside, outside, stride=2)]
            blocks += [RepBlock(outside, outside, groups=1 + j % 2) for j in range(depth - 1)]
            setattr(self, f"stage{i}", M.Sequential(*blocks))
            inside = outside
        self.count = len(widths)
        self.gap = M.AdaptiveAvgPool2d(1)
        self.linear = M.Linear(inside, classes)

    def forward(self, x: Tensor) -> Tensor:
        for i in range(self.count):
            x = getattr(self, f"stage{i}")(x)
        return self.linear(F.flatten(self.gap(x), start_axis=1))

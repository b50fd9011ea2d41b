"""ShuffleNetV2-like networks: split, two branches, concatenate, shuffle the channels."""

from __future__ import annotations

import megengine.functional as F
import megengine.module as M
from megengine import Tensor


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """Interleave the channels of `groups` groups."""
    batch, channels, height, width = x.shape
    x = x.reshape(batch, groups, channels // groups, height, width)
    x = F.transpose(x, (0, 2, 1, 3, 4))
    return x.reshape(batch, channels, height, width)


def shuffle_halves(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the even and the odd channels, by way of a three-dimensional tensor."""
    batch, channels, height, width = x.shape
    x = x.reshape(batch * channels // 2, 2, height * width)
    x = x.transpose(1, 0, 2)
    x = x.reshape(2, -1, channels // 2, height, width)
    return x[0], x[1]


class ShuffleBlock(M.Module):
    """Stride 1: half of the channels passes unchanged."""

    def __init__(self, channels: int, *, chunk: bool) -> None:
        super().__init__()
        half = channels // 2
        self.chunk = chunk
        self.branch = M.Sequential(
            M.Conv2d(half, half, 1, bias=False),
            M.BatchNorm2d(half),
            M.ReLU(),
            M.Conv2d(half, half, 3, padding=1, groups=half, bias=False),
            M.BatchNorm2d(half),
            M.Conv2d(half, half, 1, bias=False),
            M.BatchNorm2d(half),
            M.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        if not self.chunk:
            keep, x = shuffle_halves(x)
            return F.concat((keep, self.branch(x)), 1)
        keep, x = F.split(x, 2, axis=1)
        return channel_shuffle(F.concat([keep, self.branch(x)], axis=1), 2)


class DownBlock(M.Module):
    """Stride 2: both branches see the whole input."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        half = outside // 2
        self.short = M.Sequential(
            M.Conv2d(inside, inside, 3, 2, padding=1, groups=inside, bias=False),
            M.BatchNorm2d(inside),
            M.ConvBnRelu2d(inside, half, 1, bias=False),
        )
        self.long = M.Sequential(
            M.ConvBnRelu2d(inside, half, 1, bias=False),
            M.ConvBn2d(half, half, 3, 2, padding=1, groups=half, bias=False),
            M.ConvBnRelu2d(half, half, 1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return channel_shuffle(F.concat((self.short(x), self.long(x)), axis=1), 2)


class ShuffleNet(M.Module):
    def __init__(self, widths: tuple[int, ...], depths: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.stem = M.ConvBnRelu2d(3, widths[0], 3, 2, padding=1, bias=False)
        self.pool = M.MaxPool2d(3, 2, 1)
        self.stages = []
        for i, depth in enumerate(depths):
            blocks: list[M.Module] = [DownBlock(widths[i], widths[i + 1])]
            blocks += [ShuffleBlock(widths[i + 1], chunk=bool(i % 2)) for _ in range(depth)]
            self.stages.append(blocks)
        self.last = M.ConvBnRelu2d(widths[-2], widths[-1], 1, bias=False)
        self.fc = M.Linear(widths[-1], classes, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.stem(x))
        for blocks in self.stages:
            for block in blocks:
                x = block(x)
        x = self.last(x).mean(3).mean(2)
        return self.fc(x.reshape(-1, x.shape[1]))

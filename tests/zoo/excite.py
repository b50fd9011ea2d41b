"""A squeeze-and-excite network whose gates use linear layers, and an efficient-net-like silu."""

from __future__ import annotations

import megengine.functional as F
import megengine.module as M
from megengine import Tensor


class ChannelGate(M.Module):
    def __init__(self, channels: int, ratio: int = 4) -> None:
        super().__init__()
        self.fc = M.Sequential(
            M.Linear(channels, channels // ratio, bias=False),
            M.ReLU(),
            M.Linear(channels // ratio, channels, bias=False),
            M.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        batch, channels = x.shape[0], x.shape[1]
        y = F.mean(x, axis=(2, 3)).reshape(batch, channels)
        y = self.fc(y).reshape(batch, channels, 1, 1)
        return x * F.broadcast_to(y, x.shape)


class SpatialGate(M.Module):
    """A map of weights from the mean and the maximum over the channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = M.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        mean = F.mean(x, axis=1, keepdims=True)
        largest = F.max(x, axis=1, keepdims=True)
        return F.sigmoid(self.conv(F.concat([mean, largest], axis=1))) * x


class ExciteNet(M.Module):
    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.stem = M.Conv2d(3, width, 3, stride=2, padding=1)
        self.norm = M.BatchNorm2d(width)
        self.act = M.SiLU()
        self.channel_gate = ChannelGate(width)
        self.spatial_gate = SpatialGate()
        self.mix = M.Conv2d(width, 2 * width, 3, padding=2, dilation=2)
        self.slope = M.PReLU(2 * width)
        self.leaky = M.LeakyReLU(0.1)
        self.head = M.Linear(2 * width, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.norm(self.stem(x)))
        x = self.spatial_gate(self.channel_gate(x))
        x = self.leaky(self.slope(self.mix(x)))
        x = F.nn.avg_pool2d(x, kernel_size=2, stride=2)
        x = x.flatten().reshape(x.shape[0], x.shape[1], -1).max(axis=2)
        return F.nn.logsoftmax(self.head(x), 1)

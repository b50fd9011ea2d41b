"""Convolution over time and space-time: text, audio and short clips."""

from __future__ import annotations

import megengine.functional as F
import megengine.module as M
from megengine import Tensor


class TextCnn(M.Module):
    """Token ids (N, T) int32 to log probabilities (N, classes): windows of several widths."""

    def __init__(self, vocabulary: int, channels: int, widths: tuple[int, ...], classes: int):
        super().__init__()
        self.embedding = M.Embedding(vocabulary, channels)
        self.convs = [M.Conv1d(channels, channels, width) for width in widths]
        self.norm = M.BatchNorm1d(len(widths) * channels)
        self.head = M.LinearRelu(len(widths) * channels, channels)
        self.last = M.Linear(channels, classes)

    def forward(self, ids: Tensor) -> Tensor:
        x = F.transpose(self.embedding(ids), (0, 2, 1))
        pooled = [F.max(F.relu(conv(x)), axis=2) for conv in self.convs]
        x = self.norm(F.concat(pooled, axis=1))
        return F.logsoftmax(self.last(self.head(x)), axis=-1)


class GatedLayer(M.Module):
    """A dilated causal convolution with a gate; its skip output is kept apart."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.before = 2 * dilation
        self.filter = M.Conv1d(channels, 2 * channels, 3, dilation=dilation)
        self.skip = M.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = F.nn.pad(x, ((0, 0), (0, 0), (self.before, 0)), mode="constant", constant_value=0.0)
        value, gate = F.split(self.filter(y), 2, axis=1)
        y = F.tanh(value) * F.sigmoid(gate)
        return x + y, self.skip(y)


class WaveNet(M.Module):
    """Samples (N, 1, T) to distributions over levels (N, levels, T)."""

    def __init__(self, channels: int, dilations: tuple[int, ...], levels: int) -> None:
        super().__init__()
        self.enter = M.Conv1d(1, channels, 1)
        self.layers = [GatedLayer(channels, dilation) for dilation in dilations]
        self.leave = M.Sequential(
            M.ReLU(), M.Conv1d(channels, channels, 1), M.ReLU(), M.Conv1d(channels, levels, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x)
        total: Tensor | int = 0
        for layer in self.layers:
            x, skip = layer(x)
            total = total + skip
        return F.softmax(self.leave(total), 1)


class ClipNet(M.Module):
    """Clips (N, 3, T, H, W) to logits (N, classes)."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.conv1 = M.Conv3d(3, width, 3, stride=(1, 2, 2), padding=1)
        self.conv2 = M.Conv3d(width, 2 * width, (3, 1, 1), stride=2, padding=(1, 0, 0), bias=False)
        self.grow = M.ConvTranspose3d(2 * width, width, 2, stride=2)
        self.head = M.Linear(width, classes)

    def forward(self, clip: Tensor) -> Tensor:
        x = F.relu(self.conv1(clip))
        x = x + self.grow(F.relu(self.conv2(x)))
        return self.head(F.mean(x, axis=(2, 3, 4)))

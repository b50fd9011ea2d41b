"""Detectors: a feature pyramid with dense heads whose outputs are joined over the levels."""

from __future__ import annotations

import math

import megengine as mge
import megengine.functional as F
import megengine.module as M
import numpy as np
from megengine import Tensor


class Pyramid(M.Module):
    """FPN-like: lateral 1x1, top-down addition, 3x3, and one more level by stride."""

    def __init__(self, widths: tuple[int, ...], channels: int) -> None:
        super().__init__()
        self.lateral = [M.Conv2d(width, channels, 1) for width in widths]
        self.output = [M.Conv2d(channels, channels, 3, 1, 1) for _ in widths]
        self.extra = M.Conv2d(channels, channels, kernel_size=3, stride=2, padding=1)

    def forward(self, xs: list[Tensor]) -> list[Tensor]:
        xs = [conv(x) for conv, x in zip(self.lateral, xs)]
        results = [self.output[-1](xs[-1])]
        top = xs[-1]
        for i in range(len(xs) - 2, -1, -1):
            up = F.vision.interpolate(top, scale_factor=2, mode="nearest")
            top = xs[i] + up
            results.insert(0, self.output[i](top))
        results.append(self.extra(F.relu(results[-1])))
        return results


class Backbone(M.Module):
    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        steps = zip((3, *widths), widths)
        self.stages = [M.ConvBnRelu2d(a, b, 3, 2, padding=1, bias=False) for a, b in steps]

    def forward(self, x: Tensor) -> list[Tensor]:
        outputs = []
        for stage in self.stages:
            x = stage(x)
            outputs.append(x)
        return outputs


class RetinaHead(M.Module):
    """Scores and box deltas of every level, flattened over positions and anchors."""

    def __init__(self, channels: int, anchors: int, classes: int) -> None:
        super().__init__()
        self.anchors, self.classes = anchors, classes
        self.score_tower = M.Sequential(M.Conv2d(channels, channels, 3, 1, 1), M.ReLU())
        self.box_tower = M.Sequential(M.Conv2d(channels, channels, 3, 1, 1), M.ReLU())
        self.score = M.Conv2d(channels, anchors * classes, 3, padding=1)
        self.box = M.Conv2d(channels, anchors * 4, 3, padding=1)

    def flatten(self, x: Tensor, last: int) -> Tensor:
        """Return (N, H * W * anchors, last) of (N, anchors * last, H, W)."""
        batch, _, height, width = x.shape
        x = x.reshape(batch, self.anchors, last, height, width)
        x = x.transpose(0, 3, 4, 1, 2)
        return x.reshape(batch, -1, last)

    def forward(self, xs: list[Tensor]) -> tuple[Tensor, Tensor]:
        scores = [self.flatten(self.score(self.score_tower(x)), self.classes) for x in xs]
        boxes = [self.flatten(self.box(self.box_tower(x)), 4) for x in xs]
        return F.sigmoid(F.concat(scores, axis=1)), F.concat(boxes, axis=1)


class RetinaNet(M.Module):
    """Images (N, 3, H, W) with 0..255 to scores (N, A, classes) and corners (N, A, 4)."""

    def __init__(self, widths: tuple[int, ...], channels: int, classes: int) -> None:
        super().__init__()
        self.backbone = Backbone(widths)
        self.pyramid = Pyramid(widths[1:], channels)
        self.head = RetinaHead(channels, 3, classes)
        self.mean = mge.Tensor(np.array([103.5, 116.3, 123.7], np.float32).reshape(1, 3, 1, 1))
        self.std = mge.Tensor(np.array([57.4, 57.1, 58.4], np.float32).reshape(1, 3, 1, 1))
        self.limit = math.log(1000 / 16)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = (image.astype("float32") - self.mean) / self.std
        scores, deltas = self.head(self.pyramid(self.backbone(x)[1:]))
        center, size = deltas[..., :2], F.exp(F.minimum(deltas[..., 2:], self.limit))
        return scores, F.concat([center - 0.5 * size, center + 0.5 * size], axis=-1)


class FcosHead(M.Module):
    """Per level: classes, distances to the four sides (scaled, positive) and centreness."""

    def __init__(self, channels: int, classes: int, strides: tuple[int, ...]) -> None:
        super().__init__()
        self.strides = strides
        self.tower = M.Sequential(
            M.Conv2d(channels, channels, 3, padding=1, bias=False),
            M.GroupNorm(4, channels),
            M.ReLU(),
        )
        self.score = M.Conv2d(channels, classes, 3, padding=1)
        self.box = M.Conv2d(channels, 4, 3, padding=1)
        self.center = M.Conv2d(channels, 1, 3, padding=1)
        self.scales = [mge.Parameter(np.ones(1, np.float32)) for _ in strides]

    def forward(self, xs: list[Tensor]) -> list[tuple[Tensor, Tensor, Tensor]]:
        outputs = []
        for x, stride, scale in zip(xs, self.strides, self.scales):
            y = self.tower(x)
            box = F.exp(self.box(y) * scale) * stride
            outputs.append((self.score(y), box, self.center(y)))
        return outputs


class Fcos(M.Module):
    """Images (N, 3, H, W) to scores (N, P, classes), boxes (N, P, 4) and best classes (N, P)."""

    def __init__(self, widths: tuple[int, ...], channels: int, classes: int) -> None:
        super().__init__()
        self.backbone = Backbone(widths)
        self.pyramid = Pyramid(widths[1:], channels)
        self.strides = tuple(4 << i for i in range(len(widths)))
        self.head = FcosHead(channels, classes, self.strides)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        levels = self.head(self.pyramid(self.backbone(x)[1:]))
        scores, boxes = [], []
        for score, box, center in levels:
            joint = F.sqrt(F.sigmoid(score) * F.sigmoid(center))
            scores.append(F.flatten(joint, 2).transpose(0, 2, 1))
            boxes.append(F.transpose(F.reshape(box, (box.shape[0], 4, -1)), (0, 2, 1)))
        joined = F.concat(scores, axis=1)
        return joined, F.concat(boxes, axis=1), F.argmax(joined, axis=2)

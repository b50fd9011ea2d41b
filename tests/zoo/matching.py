"""Comparing and locating: two-tower embeddings, rankings, soft-argmax, thresholds."""

from __future__ import annotations

import megengine as mge
import megengine.functional as F
import megengine.module as M
import numpy as np
from megengine import Tensor


class Tower(M.Module):
    """Images (N, 3, H, W) to embeddings (N, C) of length 1, with a response norm as in AlexNet."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.conv1 = M.ConvRelu2d(3, width, 5, stride=2, padding=2)
        self.response = M.LocalResponseNorm(5, 1.0, 1e-4, 0.75)
        self.conv2 = M.Conv2d(width, 2 * width, 3, stride=2, padding=1, groups=2)
        self.fc = M.Linear(2 * width, channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.response(self.conv1(x))
        x = F.prelu(self.conv2(x), Tensor(np.array([0.2], np.float32)))
        x = self.fc(x.max(axis=3).mean(axis=2))
        return F.normalize(x, axis=1)


class TwoTowers(M.Module):
    """Two batches of images: their similarities (N, N), the three best (N, 3) and their places."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.tower = Tower(width, channels)
        self.scale = mge.Parameter(np.zeros(1, np.float32))

    def forward(self, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        a, b = self.tower(left), self.tower(right)
        similarity = F.matmul(a, b, transpose_b=True) * F.exp(self.scale)
        values, places = F.topk(similarity, 3, descending=True)
        return similarity, values, places


class Keypoints(M.Module):
    """Images (N, 3, H, W) to positions (N, joints, 2), peaks (N, joints) and visible peaks."""

    def __init__(self, width: int, joints: int, side: int) -> None:
        super().__init__()
        self.joints, self.side = joints, side
        self.body = M.Sequential(
            M.ConvBnRelu2d(3, width, 3, 2, padding=1), M.ConvBnRelu2d(width, width, 3, padding=1)
        )
        self.maps = M.Conv2d(width, joints, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        maps = self.maps(self.body(x))
        height, width = maps.shape[2], maps.shape[3]
        flat = F.softmax(maps.reshape(-1, self.joints, height * width) * 4.0, axis=2)
        maps = flat.reshape(-1, self.joints, height, width)
        grid = F.arange(self.side // 2, dtype="float32")
        x_position = (F.sum(maps, axis=2) * grid).sum(axis=2)
        y_position = (maps.sum(axis=3) * grid.reshape(1, 1, -1)).sum(axis=2)
        peak = F.max(flat, axis=2)
        threshold = F.minimum(F.mean(peak, axis=1, keepdims=True), 0.5)
        visible = F.where(peak > threshold, peak, F.zeros_like(peak))
        positions = F.stack([x_position, y_position], axis=-1)
        return positions / float(self.side // 2), F.log(peak), visible


class Memory(M.Module):
    """Queries (N, C) against learned slots: read by one-hot, gathered, ranked and repeated."""

    def __init__(self, slots: int, channels: int) -> None:
        super().__init__()
        self.slots = slots
        self.keys = mge.Parameter(np.zeros((slots, channels), np.float32))
        self.values = mge.Parameter(np.zeros((slots, channels), np.float32))

    def forward(self, query: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        distance = F.norm(F.expand_dims(query, 1) - self.keys, ord=2, axis=2)
        nearest = F.argmin(distance, axis=1)
        hard = F.matmul(F.one_hot(nearest, self.slots).astype("float32"), self.values)
        soft = F.softmax(-(distance**2), axis=1) @ self.values
        order = F.argsort(distance, descending=False)
        ranked, _ = F.sort(distance)
        least = F.squeeze(F.gather(distance, 1, F.expand_dims(nearest, 1)), 1)
        tiled = F.tile(F.expand_dims(least, 1), (1, 2))
        repeated = F.repeat(F.floor(ranked[:, :2] * 4), 2, axis=1)
        blended = 0.25 * hard + 0.75 * soft
        return blended, order[:, :3], F.concat([tiled, repeated, F.square(ranked)], axis=1)

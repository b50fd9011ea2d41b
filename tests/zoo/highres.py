"""HRNet-like networks: parallel resolutions that are fused again and again."""

from __future__ import annotations

import itertools

import megengine.functional as F
import megengine.module as M
from megengine import Tensor


class Fuse(M.Module):
    """Bring every resolution to every other one and add them up."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.paths = [
            [self.path(source, target, widths) for source in range(len(widths))]
            for target in range(len(widths))
        ]

    def path(self, source: int, target: int, widths: tuple[int, ...]) -> M.Module:
        """Return the layers from one resolution to another."""
        if source == target:
            return M.Identity()
        if source > target:
            return M.ConvBn2d(widths[source], widths[target], 1, bias=False)
        steps: list[M.Module] = []
        for i in range(source, target):
            last = i + 1 == target
            layer = M.ConvBn2d if last else M.ConvBnRelu2d
            outside = widths[target] if last else widths[source]
            steps.append(layer(widths[source], outside, 3, 2, padding=1, bias=False))
        return M.Sequential(*steps)

    def forward(self, xs: list[Tensor]) -> list[Tensor]:
        fused = []
        for target, paths in enumerate(self.paths):
            total = paths[0](xs[0])
            for source in range(1, len(xs)):
                y = paths[source](xs[source])
                if source > target:
                    size = xs[target].shape[2:]
                    y = F.nn.interpolate(y, size=size, mode="bilinear", align_corners=True)
                total = total + y
            fused.append(F.relu(total))
        return fused


class HighResolution(M.Module):
    """Images (N, 3, H, W) to heat maps (N, joints, H / 2, W / 2)."""

    def __init__(self, widths: tuple[int, ...], joints: int) -> None:
        super().__init__()
        self.stem = M.ConvBnRelu2d(3, widths[0], 3, 2, padding=1, bias=False)
        self.down = [
            M.ConvBnRelu2d(a, b, 3, 2, padding=1, bias=False) for a, b in itertools.pairwise(widths)
        ]
        self.fuse = Fuse(widths)
        self.keypoints = M.Conv2d(sum(widths), joints, 1)

    def forward(self, x: Tensor) -> Tensor:
        xs = [self.stem(x)]
        for layer in self.down:
            xs.append(layer(xs[-1]))
        xs = self.fuse(xs)
        maps = [xs[0]]
        for level, y in enumerate(xs[1:], 1):
            maps.append(F.vision.interpolate(y, scale_factor=2.0**level, mode="nearest"))
        return self.keypoints(F.concat(maps, axis=1))

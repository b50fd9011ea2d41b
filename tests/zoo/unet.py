"""Encoder-decoder networks: skips by concatenation, resizing and transposed convolution."""

from __future__ import annotations

import itertools

import megengine.functional as F
import megengine.module as M
from megengine import Tensor


def double_conv(inside: int, outside: int) -> M.Sequential:
    """Return two normalised 3x3 convolutions."""
    return M.Sequential(
        M.Conv2d(inside, outside, 3, padding=1, bias=False),
        M.BatchNorm2d(outside),
        M.ReLU(),
        M.Conv2d(outside, outside, 3, padding=1, bias=False),
        M.BatchNorm2d(outside),
        M.ReLU(),
    )


class Up(M.Module):
    """Double the resolution, concatenate the skip, convolve."""

    def __init__(self, inside: int, outside: int, *, learned: bool) -> None:
        super().__init__()
        self.learned = learned
        if learned:
            self.up = M.ConvTranspose2d(inside, inside // 2, 2, stride=2)
        else:
            self.reduce = M.Conv2d(inside, inside // 2, 1)
        self.conv = double_conv(inside // 2 + outside, outside)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        if self.learned:
            x = self.up(x)
        else:
            x = F.vision.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = self.reduce(x)
        return self.conv(F.concat([skip, x], axis=1))


class UNet(M.Module):
    """Images (N, 3, H, W) to a mask (N, classes, H, W); H and W divide by 2 ** (levels - 1)."""

    def __init__(self, widths: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.enter = double_conv(3, widths[0])
        self.down = [
            M.Sequential(M.MaxPool2d(2), double_conv(a, b)) for a, b in itertools.pairwise(widths)
        ]
        self.up = [
            Up(b, a, learned=bool(i % 2)) for i, (a, b) in enumerate(itertools.pairwise(widths))
        ][::-1]
        self.leave = M.Conv2d(widths[0], classes, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        skips = [self.enter(x)]
        for layer in self.down:
            skips.append(layer(skips[-1]))
        x = skips.pop()
        for layer in self.up:
            x = layer(x, skip=skips.pop())
        return F.sigmoid(self.leave(x))


class PyramidPooling(M.Module):
    """PSPNet-like: pool to several grids, convolve, bring back to the input's size."""

    def __init__(self, channels: int, grids: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.stem = M.ConvRelu2d(3, channels, 3, 2, padding=1)
        self.grids = grids
        self.convs = [M.ConvBnRelu2d(channels, channels // 2, 1) for _ in grids]
        self.pool = M.AdaptiveMaxPool2d(2)
        self.fuse = M.Conv2d(channels + len(grids) * (channels // 2), classes, 3, padding=1)
        self.side = M.Conv2d(channels, classes, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = self.stem(image)
        size = (x.shape[2], x.shape[3])
        parts = [x]
        for grid, conv in zip(self.grids, self.convs):
            y = conv(F.adaptive_avg_pool2d(x, (grid, grid)))
            parts.append(F.vision.interpolate(y, size, align_corners=True))
        logits = self.fuse(F.concat(parts, 1))
        full = F.vision.interpolate(logits, (image.shape[2], image.shape[3]))
        return F.argmax(full, axis=1), self.side(self.pool(x))

"""Style transfer and super-resolution: instance and group norms, padding, pixel shuffle."""

from __future__ import annotations

import megengine.functional as F
import megengine.module as M
from megengine import Tensor


class PaddedConv(M.Module):
    """Convolve after padding by reflection or replication."""

    def __init__(self, inside: int, outside: int, size: int, *, stride: int, mode: str) -> None:
        super().__init__()
        half = size // 2
        self.pad = M.Pad(((0, 0), (0, 0), (half, half), (half, half)), mode=mode)
        self.conv = M.Conv2d(inside, outside, size, stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(self.pad(x))


class StyleNet(M.Module):
    """Images (N, 3, H, W) in 0..255 to images of the same size and range."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.enter = PaddedConv(3, width, 9, stride=1, mode="reflect")
        self.norm1 = M.InstanceNorm(width)
        self.down = PaddedConv(width, 2 * width, 3, stride=2, mode="replicate")
        self.norm2 = M.GroupNorm(num_groups=4, num_channels=2 * width, eps=1e-4)
        self.body = M.Conv2d(2 * width, 2 * width, 3, padding=1, padding_mode="reflect")
        self.norm3 = M.InstanceNorm(2 * width, affine=False)
        self.leave = PaddedConv(2 * width, 3, 9, stride=1, mode="constant")

    def forward(self, image: Tensor) -> Tensor:
        x = image / 127.5 - 1.0
        x = F.relu(self.norm1(self.enter(x)))
        x = F.relu(self.norm2(self.down(x)))
        x = self.norm3(self.body(x)) + x
        x = F.nn.interpolate(x, scale_factor=(2, 2), mode="nearest")
        x = self.leave(F.clip(x, -4.0, 4.0))
        return 127.5 * (F.tanh(x) + 1)


class SuperResolution(M.Module):
    """Images (N, 3, H, W) to (N, 3, 2 H, 2 W), and by how much they differ from a resize."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.head = M.Conv2d(3, width, 3, padding=1)
        self.body = M.Sequential(
            M.Conv2d(width, width, 3, padding=1), M.PReLU(1), M.Conv2d(width, width, 3, padding=1)
        )
        self.tail = M.Conv2d(width, 12, 3, padding=1)
        self.shuffle = M.PixelShuffle(2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = F.softplus(self.head(x))
        y = self.shuffle(self.tail(y - self.body(y)))
        base = F.vision.interpolate(x, scale_factor=2.0, mode="bicubic")
        return base + y, F.mean(F.abs(y), axis=(1, 2, 3))

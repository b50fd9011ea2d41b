"""Networks that grow images: a generator from noise and an FCN-like segmenter."""

from __future__ import annotations

import megengine.functional as F
import megengine.module as M
from megengine import Tensor


class Generator(M.Module):
    """DCGAN-like: noise (N, Z) to images (N, 3, 32, 32) in (-1, 1)."""

    def __init__(self, noise: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.project = M.Linear(noise, 4 * width * 4 * 4)
        self.norm = M.BatchNorm2d(4 * width)
        self.up = M.Sequential(
            M.ConvTranspose2d(4 * width, 2 * width, 4, stride=2, padding=1, bias=False),
            M.BatchNorm2d(2 * width),
            M.ReLU(),
            M.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False),
            M.BatchNorm2d(width),
            M.ReLU(),
            M.ConvTranspose2d(width, 3, 3, stride=2, padding=1, output_padding=1),
        )

    def forward(self, z: Tensor) -> Tensor:
        x = self.project(z).reshape(-1, 4 * self.width, 4, 4)
        return F.tanh(self.up(F.relu(self.norm(x))))


class Discriminator(M.Module):
    """Images (N, 3, 32, 32) to the probability (N,) that they are real."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = M.Conv2d(3, width, 4, 2, 1)
        self.conv2 = M.Conv2d(width, 2 * width, 4, 2, 1, bias=False)
        self.bn2 = M.BatchNorm2d(2 * width)
        self.last = M.Conv2d(2 * width, 1, 8, 1, 0)

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.conv1(x), 0.2)
        x = F.leaky_relu(self.bn2(self.conv2(x)), negative_slope=0.2)
        return F.sigmoid(self.last(x)).reshape(-1)


class FullyConvolutional(M.Module):
    """FCN-like: score maps at two scales, grown by grouped transposed convolution, cropped."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.low = M.Sequential(M.ConvRelu2d(3, width, 3, 1, 2), M.MaxPool2d(2, 2))
        self.high = M.Sequential(M.ConvRelu2d(width, 2 * width, 3, 1, 1), M.AvgPool2d(2, 2))
        self.score_low = M.Conv2d(width, classes, 1)
        self.score_high = M.Conv2d(2 * width, classes, 1)
        self.grow = M.ConvTranspose2d(classes, classes, 4, 2, 0, groups=classes, bias=False)
        self.last = M.ConvTranspose2d(classes, classes, 4, 2, bias=False)

    def forward(self, image: Tensor) -> Tensor:
        low = self.low(image)
        high = self.high(low)
        y = self.grow(self.score_high(high))
        y = y[:, :, 1 : 1 + low.shape[2], 1 : 1 + low.shape[3]] + self.score_low(low) * 0.01
        y = self.last(y)
        return y[:, :, 2:-2, 2:-2]

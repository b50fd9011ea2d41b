"""Whole networks to quantize: seeded float modules, calibrated QAT ones, and quantized ones."""

from __future__ import annotations

import megengine.functional as F
import megengine.module as M
import megengine.quantization as Q
import numpy as np
from megengine import Tensor

from tests.quant import configs

CLASSES = 10


class Residual(M.Module):
    """Basic blocks with a shortcut, the second one with a projection, and a pooled head."""

    def __init__(self) -> None:
        super().__init__()
        self.quant = M.QuantStub()
        self.stem = M.ConvBnRelu2d(3, 8, 3, padding=1, bias=False)
        self.first = _Block(8, 8, 1)
        self.second = _Block(8, 12, 2)
        self.pool = M.MaxPool2d(2, 2)
        self.fc = M.Linear(12 * 4 * 4, CLASSES)
        self.dequant = M.DequantStub()

    def forward(self, data: Tensor) -> Tensor:
        x = self.second(self.first(self.stem(self.quant(data))))
        return self.dequant(self.fc(F.flatten(self.pool(x), 1)))


class _Block(M.Module):
    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = M.ConvBnRelu2d(channels, width, 3, stride=stride, padding=1, bias=False)
        self.conv2 = M.ConvBn2d(width, width, 3, padding=1, bias=False)
        plain = stride == 1 and channels == width
        self.short = None if plain else M.ConvBn2d(channels, width, 1, stride=stride, bias=False)
        self.add = M.Elemwise("fuse_add_relu")

    def forward(self, x: Tensor) -> Tensor:
        short = x if self.short is None else self.short(x)
        return self.add(self.conv2(self.conv1(x)), short)


class Depthwise(M.Module):
    """Inverted bottlenecks of depthwise and pointwise convolutions; the classifier is float."""

    def __init__(self) -> None:
        super().__init__()
        self.quant = M.QuantStub()
        self.stem = M.ConvRelu2d(3, 8, 3, stride=2, padding=1)
        self.expand = M.ConvBnRelu2d(8, 16, 1)
        self.depth = M.ConvBnRelu2d(16, 16, 3, padding=1, groups=16)
        self.project = M.ConvBn2d(16, 8, 1)
        self.add = M.Elemwise("add")
        self.down = M.ConvBnRelu2d(8, 8, 3, stride=2, padding=1, groups=8)
        self.dequant = M.DequantStub()
        self.fc = M.Linear(8, CLASSES)

    def forward(self, data: Tensor) -> Tensor:
        x = self.stem(self.quant(data))
        x = self.add(x, self.project(self.depth(self.expand(x))))
        x = self.dequant(self.down(x))
        return self.fc(F.flatten(F.avg_pool2d(x, 4), 1))

    @staticmethod
    def spare(module: M.Module) -> None:
        """Keep the classifier out of quantization."""
        module.fc.disable_quantize()


class Shuffled(M.Module):
    """Two branches, joined and with their channels shuffled, twice."""

    def __init__(self) -> None:
        super().__init__()
        self.quant = M.QuantStub()
        self.stem = M.ConvBnRelu2d(3, 8, 3, stride=2, padding=1)
        self.left = M.ConvBnRelu2d(8, 4, 1)
        self.right = M.ConvBnRelu2d(8, 4, 3, padding=1)
        self.join = M.Concat()
        self.mix = M.ConvBnRelu2d(8, 8, 3, padding=1, groups=2)
        self.again = M.Concat()
        self.head = M.ConvBn2d(16, CLASSES, 8)
        self.dequant = M.DequantStub()

    def forward(self, data: Tensor) -> Tensor:
        x = self.stem(self.quant(data))
        x = shuffled(self.join([self.left(x), self.right(x)], 1))
        x = shuffled(self.again([x, self.mix(x)], 1))
        return F.flatten(self.dequant(self.head(x)), 1)


def shuffled(x: Tensor) -> Tensor:
    """Interleave the two halves of the channels."""
    n, c, h, w = x.shape
    x = F.reshape(x, (n, 2, c // 2, h, w))
    return F.reshape(F.transpose(x, (0, 2, 1, 3, 4)), (n, c, h, w))


class Upsampled(M.Module):
    """Down by a strided convolution, up again by a transposed one, beside a shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.quant = M.QuantStub()
        self.stem = M.ConvBnRelu2d(3, 6, 3, padding=1)
        self.down = M.ConvRelu2d(6, 8, 3, stride=2, padding=1)
        # MegEngine 1.13 runs quantized transposed convolutions without a bias only.
        self.up = M.ConvTranspose2d(8, 6, 2, stride=2, bias=False)
        self.add = M.Elemwise("add")
        self.head = M.Conv2d(6, CLASSES, 1)
        self.dequant = M.DequantStub()

    def forward(self, data: Tensor) -> Tensor:
        x = self.stem(self.quant(data))
        return self.dequant(self.head(self.add(x, self.up(self.down(x)))))


class Dense(M.Module):
    """Linear layers alone."""

    def __init__(self) -> None:
        super().__init__()
        self.quant = M.QuantStub()
        self.first = M.LinearRelu(48, 32)
        self.second = M.LinearBnRelu1d(32, 32)
        self.third = M.LinearBn1d(32, 24)
        self.last = M.Linear(24, CLASSES)
        self.dequant = M.DequantStub()

    def forward(self, data: Tensor) -> Tensor:
        return self.dequant(self.last(self.third(self.second(self.first(self.quant(data))))))


NETWORKS = {
    "residual": Residual,
    "depthwise": Depthwise,
    "shuffled": Shuffled,
    "upsampled": Upsampled,
    "dense": Dense,
}


def inputs(name: str, seed: int = 1, rows: int = 8) -> np.ndarray:
    """Return a seeded batch for the network `name`: (rows, 3, 16, 16), or (rows, 48) for dense."""
    shape = (48,) if name == "dense" else (3, 16, 16)
    return np.random.RandomState(seed).randn(rows, *shape).astype(np.float32)


def plain(name: str) -> M.Module:
    """Return the float network in evaluation, with weights that keep the signals' size."""
    module = configs.randomized(NETWORKS[name](), seed=7)
    for _, tensor in sorted(module.named_parameters()):
        if tensor.ndim >= 2 and tensor.size > max(tensor.shape):
            fan = tensor.shape[1] if tensor.ndim == 2 else int(np.prod(tensor.shape[-3:]))
            tensor[...] = tensor.numpy() * np.float32(3.0 / np.sqrt(fan))
    module.eval()
    return module


def trained(name: str, qconfig: str = "ema") -> M.Module:
    """Return the network as a calibrated QAT module, in evaluation."""
    module = plain(name)
    if hasattr(module, "spare"):
        module.spare(module)
    return configs.trained(module, qconfig, inputs(name, seed=3, rows=32))


def quantized(name: str, qconfig: str = "ema") -> M.Module:
    """Return the network as a quantized module: int8 weights, computed in whole numbers."""
    module = trained(name, qconfig)
    Q.quantize(module)
    module.eval()
    return module

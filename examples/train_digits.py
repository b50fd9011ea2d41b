"""Train the small classifier of models.toml on scikit-learn's digits, and write its files.

python examples/train_digits.py [--output FOLDER]

Trains on a stratified three quarters of the 1,797 images (8 x 8, values 0 to 16), prints the top-1
accuracy on the rest, and writes digits.tm and digits.npz (`data` uint8 (1797, 1, 8, 8), `labels`
(1797,)), the pixels unscaled: the model scales them itself. Then calibrates the same network for 8
bits, trains it on with fake quantization, and writes digits_qat.tm, and digits_int8.tm, which
computes in whole numbers. digits_calibration.npz has 200 of the images that it trains on, to
quantize the float network without training. All seeds are fixed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import megengine
import megengine.functional as F
import megengine.module as M
import megengine.quantization as Q
import numpy as np
from megengine import Tensor
from megengine.autodiff import GradManager
from megengine.optimizer import SGD
from megengine.traced_module import trace_module
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from tests.zoo.tracing import save  # noqa: E402

EPOCHS = 40
BATCH = 64
RATE = 0.05
CALIBRATION = 200
QUANTIZED_EPOCHS = 4
QUANTIZED_RATE = 0.002


class Separable(M.Module):
    """A depthwise and a pointwise convolution with a shortcut around both."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depth = M.ConvBnRelu2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.point = M.ConvBn2d(channels, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`."""
        return F.relu(x + self.point(self.depth(x)))


class DigitNet(M.Module):
    """Pixels (N, 1, 8, 8) of 0 to 16 to logits (N, 10)."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.stem = M.Conv2d(1, width, 3, padding=1, bias=False)
        self.stem_bn = M.BatchNorm2d(width)
        self.local = Separable(width)
        self.down = M.ConvBnRelu2d(width, 2 * width, 3, stride=2, padding=1, bias=False)
        self.wide = Separable(2 * width)
        self.pool = M.MaxPool2d(2, 2)
        self.drop = M.Dropout(0.2)
        self.fc = M.Linear(2 * width * 2 * 2, 10)

    def forward(self, data: Tensor) -> Tensor:
        """Return the logits."""
        x = data / 8.0 - 1.0
        x = F.relu(self.stem_bn(self.stem(x)))
        x = self.wide(self.down(self.local(x)))
        x = F.flatten(self.pool(x), 1)
        return self.fc(self.drop(x))


class QuantizableSeparable(M.Module):
    """Separable, with an addition that is a module."""

    def __init__(self, source: Separable) -> None:
        super().__init__()
        self.depth, self.point = source.depth, source.point
        self.add = M.Elemwise("fuse_add_relu")

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`."""
        return self.add(x, self.point(self.depth(x)))


class QuantizableDigitNet(M.Module):
    """The trained DigitNet with its weights, of the modules that MegEngine can quantize."""

    def __init__(self, source: DigitNet) -> None:
        super().__init__()
        stem = source.stem
        self.quant = M.QuantStub()
        self.stem = M.ConvBnRelu2d(1, stem.out_channels, 3, padding=1, bias=False)
        self.stem.conv, self.stem.bn = stem, source.stem_bn
        self.local = QuantizableSeparable(source.local)
        self.down = source.down
        self.wide = QuantizableSeparable(source.wide)
        self.pool = source.pool
        self.fc = source.fc
        self.dequant = M.DequantStub()

    def forward(self, data: Tensor) -> Tensor:
        """Return the logits."""
        x = self.quant(data / 8.0 - 1.0)
        x = self.wide(self.down(self.local(self.stem(x))))
        return self.dequant(self.fc(F.flatten(self.pool(x), 1)))


def initialise(module: M.Module, random: np.random.RandomState) -> None:
    """Set the matrices and kernels of `module` from numpy, for the same start everywhere."""
    for _, tensor in sorted(module.named_parameters()):
        if tensor.ndim >= 2 and tensor.size > max(tensor.shape):
            limit = np.sqrt(
                6.0 / np.prod(tensor.shape[-3:] if tensor.ndim > 2 else tensor.shape[1])
            )
            tensor[...] = random.uniform(-limit, limit, tensor.shape).astype(np.float32)


def train(
    module: M.Module,
    images: np.ndarray,
    labels: np.ndarray,
    random: np.random.RandomState,
    *,
    epochs: int = EPOCHS,
    rate: float = RATE,
) -> None:
    """Fit `module` by gradient descent with momentum and a cosine schedule."""
    module.train()
    manager = GradManager().attach(module.parameters())
    optimizer = SGD(module.parameters(), lr=rate, momentum=0.9, weight_decay=1e-4)
    for epoch in range(epochs):
        optimizer.param_groups[0]["lr"] = rate * 0.5 * (1 + np.cos(np.pi * epoch / epochs))
        order = random.permutation(len(images))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            rows = order[start : start + BATCH]
            with manager:
                logits = module(Tensor(shift(images[rows], random)))
                loss = F.nn.cross_entropy(logits, Tensor(labels[rows]), label_smooth=0.05)
                manager.backward(loss)
            optimizer.step().clear_grad()


def shift(images: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """Move each image by up to one pixel in each direction, filling with 0."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    moved = np.empty_like(images)
    for i, (y, x) in enumerate(random.choice([0, 1, 1, 1, 2], (len(images), 2))):
        moved[i] = padded[i, :, y : y + 8, x : x + 8]
    return moved


def quantized(
    source: DigitNet, images: np.ndarray, labels: np.ndarray, random: np.random.RandomState
) -> M.Module:
    """Return `source` calibrated for 8 bits on `images`, and trained on with rounding."""
    module = Q.quantize_qat(QuantizableDigitNet(source), qconfig=Q.ema_fakequant_qconfig)
    module.eval()
    Q.disable_fake_quant(module)
    Q.enable_observer(module)
    for start in range(0, len(images), BATCH):
        module(Tensor(images[start : start + BATCH]))
    Q.enable_fake_quant(module)
    train(module, images, labels, random, epochs=QUANTIZED_EPOCHS, rate=QUANTIZED_RATE)
    module.eval()
    return module


def accuracy(module: M.Module, images: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of images whose largest logit is at their label."""
    module.eval()
    logits = module(Tensor(images)).numpy()
    return float(np.mean(np.argmax(logits, axis=1) == labels))


def main() -> None:
    """Train, print the accuracies, write the files."""
    parser = argparse.ArgumentParser(description="Train the digits example.")
    parser.add_argument("--output", type=Path, default=HERE, help="a folder (%(default)s)")
    output = parser.parse_args().output
    digits = load_digits()
    pixels = digits.images.astype(np.uint8)[:, None]
    labels = digits.target.astype(np.int32)
    images = pixels.astype(np.float32)
    fit, held = train_test_split(
        np.arange(len(images)), test_size=0.25, random_state=0, stratify=labels
    )
    random = np.random.RandomState(0)
    megengine.random.seed(0)
    module = DigitNet()
    initialise(module, random)
    train(module, images[fit], labels[fit], random)
    parts = {"training": fit, "held out": held, "all": np.arange(len(images))}

    def finish(name: str) -> None:
        for part, rows in parts.items():
            right = accuracy(module, images[rows], labels[rows])
            print(f"{name}, {part}: {len(rows)} images, top-1 {right:.4f}")
        save(trace_module(module, Tensor(images[:2])), output / f"{name}.tm")

    finish("digits")
    module = quantized(module, images[fit], labels[fit], random)
    finish("digits_qat")
    Q.quantize(module)
    finish("digits_int8")
    np.savez_compressed(output / "digits.npz", data=pixels, labels=labels.astype(np.uint8))
    np.savez_compressed(output / "digits_calibration.npz", data=pixels[fit[:CALIBRATION]])


if __name__ == "__main__":
    main()

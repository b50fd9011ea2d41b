"""Whole little networks: what the options of `dump` act on, in float, half and quantized."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import megengine
import megengine.functional as F
import megengine.module as M
from megengine.quantization import (
    calibration_qconfig,
    ema_fakequant_qconfig,
    enable_observer,
    quantize_qat,
)
from megengine.quantization import quantize as quantize_module

from tests.mge.networks.values import X4, Case, filled, values


class Residual(M.Module):
    """Convolutions with every kind of fusion: BN, activation, residual input, groups."""

    def __init__(self) -> None:
        super().__init__()
        self.first = M.Sequential(M.Conv2d(3, 8, 3, padding=1), M.BatchNorm2d(8), M.ReLU())
        self.depthwise = M.Conv2d(8, 8, 3, padding=1, groups=8)
        self.grouped = M.Conv2d(8, 16, 1, groups=2)
        self.last = M.Conv2d(16, 8, 1)
        self.classes = M.Linear(8, 5)

    def forward(self, x: Any) -> Any:
        x = self.first(x)
        y = F.sigmoid(self.depthwise(x))
        y = F.hswish(self.grouped(y))
        x = F.relu(self.last(y) + x)
        x = F.max_pool2d(x, 2)
        x = F.avg_pool2d(x, x.shape[-1])
        return self.classes(F.flatten(x, 1))


class Quantizable(M.Module):
    """The modules that MegEngine can quantize, with a transposed convolution where wanted."""

    def __init__(self, last: Any) -> None:
        super().__init__()
        self.quant, self.dequant = M.QuantStub(), M.DequantStub()
        self.conv_bn_relu = M.ConvBnRelu2d(4, 4, 3, padding=1)
        self.conv = M.Conv2d(4, 4, 1)
        self.add = M.Elemwise("ADD")
        self.last = last
        self.linear = M.Linear(4, 3)

    def forward(self, x: Any) -> Any:
        x = self.conv_bn_relu(self.quant(x))
        x = self.last(self.add(self.conv(x), x))
        x = F.avg_pool2d(x, x.shape[-1])
        return self.dequant(self.linear(F.flatten(x, 1)))


PICTURE = (values(1, 3, 8, 8),)


def networks() -> Mapping[str, Case]:
    return {
        "residual": Case(filled(Residual()), PICTURE),
        "half": Case(lambda x: F.relu(x.astype("float16") * 2 + 1), X4),
        "several_outputs": Case(
            lambda x: (x + 1, F.relu(x), {"a": x}["a"] * 2, F.split(x, 2, axis=1)[1]), X4
        ),
        "input_is_output": Case(lambda x: (x, x), X4),
        "qat": Case(_qat(M.Conv2d(4, 4, 3, groups=2)), X4),
        "qat_transposed": Case(_qat(_transposed()), X4),
        "quantized": Case(_quantized(M.Conv2d(4, 4, 3)), X4),
        "quantized_grouped": Case(_quantized(M.Conv2d(4, 4, 3, groups=2)), X4),
        "quantized_transposed": Case(_quantized(_transposed()), X4),
    }


def _transposed() -> Any:
    return M.ConvTranspose2d(4, 4, 2, stride=2, bias=False)


def _qat(last: Any) -> Any:
    network = quantize_qat(filled(Quantizable(last)), qconfig=ema_fakequant_qconfig)
    enable_observer(network)
    network.train()
    network(megengine.tensor(X4[0]))
    network.eval()
    return network


def _quantized(last: Any) -> Any:
    network = quantize_qat(filled(Quantizable(last)), qconfig=calibration_qconfig)
    enable_observer(network)
    network(megengine.tensor(X4[0]))
    quantize_module(network)
    network.eval()
    return network

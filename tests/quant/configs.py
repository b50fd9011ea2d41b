"""The ways in which MegEngine trains with quantization, and how a model is calibrated by each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import megengine as mge
import megengine.module as M
import megengine.quantization as Q
import numpy as np
from megengine.core.tensor.dtype import QuantDtypeMeta
from megengine.quantization.fake_quant import LSQ, FakeQuantize
from megengine.quantization.observer import (
    ExponentialMovingAverageObserver,
    MinMaxObserver,
)
from megengine.quantization.utils import QuantMode

QINT16 = QuantDtypeMeta("qint16", None, "int16", -32768, 32767)

ASYMMETRIC = Q.QConfig(
    weight_observer=partial(MinMaxObserver, dtype="qint8_narrow"),
    act_observer=partial(
        ExponentialMovingAverageObserver, mode=QuantMode.ASYMMERTIC, dtype="quint8", momentum=0.5
    ),
    weight_fake_quant=partial(FakeQuantize, dtype="qint8_narrow"),
    act_fake_quant=partial(FakeQuantize, dtype="quint8"),
)
WIDE = Q.QConfig(
    weight_observer=partial(MinMaxObserver, dtype=QINT16),
    act_observer=partial(MinMaxObserver, dtype=QINT16),
    weight_fake_quant=partial(FakeQuantize, dtype=QINT16),
    act_fake_quant=partial(FakeQuantize, dtype=QINT16),
)
MIXED = Q.QConfig(
    weight_observer=partial(MinMaxObserver, dtype="qint8_narrow"),
    act_observer=partial(MinMaxObserver, dtype=QINT16),
    weight_fake_quant=partial(FakeQuantize, dtype="qint8_narrow"),
    act_fake_quant=partial(FakeQuantize, dtype=QINT16),
)
LEARNED = Q.QConfig(
    weight_observer=None,
    act_observer=None,
    weight_fake_quant=partial(LSQ, dtype="qint8_narrow"),
    act_fake_quant=partial(LSQ, dtype="qint8"),
)
QCONFIGS = {
    "min_max": Q.min_max_fakequant_qconfig,
    "ema": Q.ema_fakequant_qconfig,
    "sync_ema": Q.sync_ema_fakequant_qconfig,
    "lowbit": Q.ema_lowbit_fakequant_qconfig,
    "passive": Q.passive_qconfig,
    "easyquant": Q.easyquant_qconfig,
    "tqt": Q.tqt_qconfig,
    "lsq": LEARNED,
    "quint8": ASYMMETRIC,
    "qint16": WIDE,
    "mixed": MIXED,
}
SCALED = ("passive", "easyquant", "tqt", "lsq")  # these are given their scales


def trained(module: M.Module, qconfig: str, *inputs: np.ndarray) -> M.Module:
    """Return `module` made ready for quantization and calibrated on `inputs`, in evaluation."""
    first = "min_max" if qconfig in SCALED else qconfig
    qat = Q.quantize_qat(module, qconfig=QCONFIGS[first])
    qat.eval()  # so that calibrating does not move the statistics of batch norm
    Q.enable_observer(qat)
    for factor in (0.9, 1.1, 0.97):  # not the inputs themselves: their extremes would be ties
        qat(*(mge.Tensor(factor * x) for x in inputs))
    if qconfig in SCALED:
        Q.reset_qconfig(qat, QCONFIGS[qconfig])
    qat.eval()
    Q.enable_fake_quant(qat)
    return qat


def randomized(module: M.Module, seed: int = 0) -> M.Module:
    """Return `module` with biases and statistics that are not what they start as."""
    random = np.random.RandomState(seed)
    for name, tensor in sorted([*module.named_parameters(), *module.named_buffers()]):
        last = name.rpartition(".")[2]
        if (last == "weight" and tensor.ndim > 1 and ".bn." not in f".{name}") or last in (
            "bias",
            "running_mean",
        ):
            tensor[...] = random.uniform(-0.5, 0.5, tensor.shape).astype(np.float32)
        elif last == "running_var" or (last == "weight" and ".bn." in f".{name}"):
            tensor[...] = random.uniform(0.5, 1.5, tensor.shape).astype(np.float32)
    return module


class Around(M.Module):
    """Stubs around a module."""

    def __init__(self, inner: M.Module, count: int = 1, call: Callable | None = None) -> None:
        super().__init__()
        self.stubs = [M.QuantStub() for _ in range(count)]
        self.inner = inner
        self.call = call
        self.out = M.DequantStub()

    def forward(self, *xs):
        inputs = [stub(x) for stub, x in zip(self.stubs, xs)]
        return self.out(self.call(self.inner, inputs) if self.call else self.inner(*inputs))


def joined(inner, inputs):
    return inner(inputs, 1)


MODULES = {
    "conv": lambda: Around(M.Conv2d(3, 4, 3, padding=1)),
    "conv_plain": lambda: Around(M.Conv2d(3, 4, 3, bias=False)),
    "conv_depthwise": lambda: Around(M.Conv2d(3, 3, 3, groups=3, stride=2)),
    "conv_reflect": lambda: Around(M.Conv2d(3, 4, 3, padding=1, padding_mode="reflect")),
    "conv_relu": lambda: Around(M.ConvRelu2d(3, 4, 3, padding=1)),
    "conv_bn": lambda: Around(M.ConvBn2d(3, 4, 3, padding=1)),
    "conv_bn_relu": lambda: Around(M.ConvBnRelu2d(3, 6, 3, padding=1, groups=3, bias=False)),
    "transposed": lambda: Around(M.ConvTranspose2d(3, 4, 3, stride=2, padding=1)),
    "transposed_plain": lambda: Around(M.ConvTranspose2d(3, 4, 2, stride=2, bias=False)),
    "transposed_relu": lambda: Around(M.ConvTransposeRelu2d(3, 4, 2, stride=2)),
    "transposed_bn": lambda: Around(M.ConvTransposeBn2d(3, 4, 2, stride=2)),
    "transposed_bn_relu": lambda: Around(M.ConvTransposeBnRelu2d(3, 6, 2, stride=2, groups=3)),
    "linear": lambda: Around(M.Linear(6, 5)),
    "linear_relu": lambda: Around(M.LinearRelu(6, 5)),
    "linear_bn": lambda: Around(M.LinearBn1d(6, 5)),
    "linear_bn_relu": lambda: Around(M.LinearBnRelu1d(6, 5)),
    "batch_mat_mul": lambda: Around(M.BatchMatMulActivation(2, 6, 4, bias=False)),
    "add": lambda: Around(M.Elemwise("add"), 2),
    "fuse_add_relu": lambda: Around(M.Elemwise("fuse_add_relu"), 2),
    "mul": lambda: Around(M.Elemwise("mul"), 2),
    "concat": lambda: Around(M.Concat(), 2, joined),
}


def inputs(name: str, seed: int = 1) -> tuple[np.ndarray, ...]:
    """Return seeded inputs for the module `name`."""
    random = np.random.RandomState(seed)
    shape = {"linear": (4, 6), "batch": (2, 6, 3)}.get(name.split("_")[0], (2, 3, 8, 8))
    count = 2 if name in ("add", "fuse_add_relu", "mul", "concat") else 1
    return tuple(random.randn(*shape).astype(np.float32) for _ in range(count))

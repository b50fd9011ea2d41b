"""Quantized dumps in the memory layouts of other devices, put back into N, C, H, W."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

mge = pytest.importorskip("megengine", reason="the reference")

import megengine.functional as F  # noqa: E402
import megengine.module as M  # noqa: E402
import megengine.quantization as Q  # noqa: E402

from mgeconvert.ir import ops  # noqa: E402
from tests.quant import configs  # noqa: E402
from tests.quant.dumped import computed, dump, interpreted, read  # noqa: E402

pytestmark = pytest.mark.slow
IMAGE = np.random.RandomState(1).randn(2, 3, 8, 8).astype(np.float32)


class Blocks(M.Module):
    """A first layer, a depthwise, a grouped and a dense one, a sum, and a transposed one."""

    def __init__(self, width: int, *, groups: int, up: int) -> None:
        super().__init__()
        self.quant, self.dequant = M.QuantStub(), M.DequantStub()
        self.first = M.ConvRelu2d(3, width, 3, padding=1)
        self.depth = M.Conv2d(width, width, 3, padding=1, groups=width)
        self.wide = M.Conv2d(width, 2 * width, 1, groups=groups)
        self.narrow = M.Conv2d(2 * width, width, 1)
        self.add = M.Elemwise("add")
        self.up = M.ConvTranspose2d(width, up, 2, stride=2, bias=False) if up else None
        self.last = M.Conv2d(up or width, 5, 3)

    def forward(self, data):
        x = self.first(self.quant(data))
        x = F.max_pool2d(self.add(x, self.narrow(self.wide(self.depth(x)))), 2)
        x = x if self.up is None else self.up(x)
        return self.dequant(self.last(x))


def quantized(width: int, *, groups: int, up: int) -> M.Module:
    blocks = configs.randomized(Blocks(width, groups=groups, up=up))
    module = configs.trained(blocks, "ema", IMAGE)
    Q.quantize(module)
    module.eval()
    return module


def check(module: M.Module, layout: str, reference: str, path: Path) -> None:
    """Compare a dump in `layout` with MegEngine's result of a dump in the layout `reference`."""
    dump(module, [IMAGE], path / "m.mge", **{f"enable_{layout}": True})
    options = {f"enable_{reference}": True} if reference else {}
    dump(module, [IMAGE], path / "reference.mge", **options)
    graph = read(path / "m.mge")
    want = computed(path / "reference.mge", [IMAGE])
    np.testing.assert_array_equal(interpreted(graph, [IMAGE]), want)
    layers = [n for n in graph if isinstance(n.op, (ops.Conv, ops.ConvTranspose))]
    assert all(n.output.type.rank == 4 for n in layers)
    assert all(n.inputs[1].const is not None for n in layers)


# MegEngine's own kernels of the others do not run on every processor; they compute the same.
SAME = [("nchw44", ""), ("nchw44_dot", ""), ("nchw88", ""), ("hwcd4", ""), ("nchw4", "nchw4")]


@pytest.mark.parametrize(("layout", "reference"), SAME)
def test_every_kind_of_layer(layout: str, reference: str, tmp_path: Path) -> None:
    check(quantized(8, groups=2, up=12), layout, reference, tmp_path)


@pytest.mark.parametrize(("layout", "reference"), [("nchw32", "nchw32"), ("chwn4", "nchw4")])
def test_layouts_without_transposed_layers(layout: str, reference: str, tmp_path: Path) -> None:
    check(quantized(64, groups=1, up=0), layout, reference, tmp_path)

"""Writes small sources with MegEngine; a program of its own, so that no test imports MegEngine."""

from __future__ import annotations

import sys
from pathlib import Path

import megengine as mge
import megengine.functional as F
import megengine.module as M
import numpy as np
from megengine.jit import trace
from megengine.traced_module import trace_module


class Linear(M.Module):
    """One fully connected layer with seeded weights, which are also written as .npy."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        random = np.random.RandomState(1)
        self.fc = M.Linear(8, 3)
        weight = random.standard_normal((3, 8)).astype(np.float32)
        bias = random.standard_normal(3).astype(np.float32)
        self.fc.weight[...], self.fc.bias[...] = weight, bias
        np.save(folder / "weight.npy", weight)
        np.save(folder / "bias.npy", bias)

    def forward(self, x):
        return self.fc(x)


class Inner(M.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = M.Conv2d(3, 4, 3)
        self.bn = M.BatchNorm2d(4)

    def forward(self, x):
        y = F.relu(self.bn(self.conv(x)))
        return y, y.mean()


class Outer(M.Module):
    """Nested inputs and outputs, a submodule with two results."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Inner()
        self.blocks = [M.Linear(4, 2)]

    def forward(self, x, more):
        y, mean = self.backbone(x)
        z = self.blocks[0](y.mean((2, 3)))
        return {"logits": z, "pair": [mean, more["a"] + more["b"][0]]}


def main(folder: Path) -> None:
    x = mge.Tensor(np.ones((1, 8), np.float32))
    linear = Linear(folder)
    linear.eval()
    mge.save(trace_module(linear, x), str(folder / "linear.tm"))

    image, a, b = (mge.Tensor(np.full((1, 3, 8, 8), v, np.float32)) for v in (1, 2, 3))
    outer = Outer()
    outer.eval()
    mge.save(trace_module(outer, image, {"a": a, "b": (b,)}), str(folder / "outer.tm"))
    mge.save({"no": "module"}, str(folder / "state.tm"))

    @trace(symbolic=True, capture_as_const=True)
    def function(a, b):
        return F.relu(a) + b, a.sum()

    function(mge.Tensor(np.ones((2, 3), np.float32)), mge.Tensor(np.ones((1, 3), np.int32)))
    function.dump(str(folder / "function.mge"), arg_names=["a", "b"], output_names=["y", "s"])

    @trace(symbolic=True, capture_as_const=True)
    def normed(x):
        return F.batch_norm(x, **statistics)

    statistics = {name: F.ones((1, 3, 1, 1)) for name in ("running_mean", "running_var")}
    normed(image)
    normed.dump(
        str(folder / "normed.mge"),
        arg_names=["x"],
        output_names=["y"],
        optimize_for_inference=False,
        no_change_graph=True,
    )


main(Path(sys.argv[1]))

"""Writes sources with MegEngine; a program of its own, so that no test imports MegEngine."""

from __future__ import annotations

import sys
from pathlib import Path

import megengine as mge
import megengine.functional as F
import megengine.module as M
import numpy as np
from megengine.jit import trace
from megengine.traced_module import trace_module


class Block(M.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = M.Linear(6, 6)

    def forward(self, x):
        return F.tanh(self.fc(x)) * 2


class Shared(M.Module):
    """One block that is called three times, and one operator with two results."""

    def __init__(self) -> None:
        super().__init__()
        self.block = Block()

    def forward(self, x):
        x = self.block(self.block(self.block(x)))
        left, right = F.split(x, 2, axis=1)
        return F.exp(left) - right


def branches(x):
    """Two equal branches, and operators whose inputs MegEngine sorts when it loads them."""
    left = F.sin(x)
    right = F.sin(x + 1)
    both = F.exp(right) * left
    return F.relu(both + F.cos(left)), both


def main(folder: Path) -> None:
    mge.random.seed(1)
    x = mge.Tensor(np.linspace(-1, 1, 12, dtype=np.float32).reshape(2, 6))
    shared = Shared()
    shared.eval()
    mge.save(trace_module(shared, x), str(folder / "shared.tm"))
    traced = trace(branches, symbolic=True, capture_as_const=True)
    traced(x)
    for name, form in (("v1", "FBS"), ("v2", "FBS_V2")):
        path = str(folder / f"branches.{name}.mge")
        traced.dump(
            path,
            arg_names=["x"],
            keep_var_name=0,
            dump_format=form,
            optimize_for_inference=False,
            no_change_graph=True,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))

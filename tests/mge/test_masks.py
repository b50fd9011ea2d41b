"""Masks that are computed: dumps and TracedModules that take elements out, or write some."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

mge = pytest.importorskip("megengine", reason="the reference of what is read")

import megengine.functional as F  # noqa: E402
import megengine.module as M  # noqa: E402

from mgeconvert import frontends  # noqa: E402
from mgeconvert.ir import evaluate  # noqa: E402
from tests.onnx_backend.running import Options, export, run  # noqa: E402
from tests.quant.dumped import KINDS, dump  # noqa: E402

RANDOM = np.random.RandomState(0)
FIRST, OTHER = (RANDOM.randn(3, 4).astype(np.float32) for _ in range(2))
NONE = -np.abs(FIRST)


def written(x: Any, index: Any, value: Any) -> Any:
    x[index] = value
    return x


# What MegEngine is asked for, and the same in numpy: writing in place races in MegEngine 1.13.
CASES: dict[str, tuple[Callable[[Any], Any], Callable[[np.ndarray], np.ndarray]]] = {
    "x[x > 0]": (lambda x: x[x > 0], lambda x: x[x > 0]),
    "rows": (lambda x: x[F.max(x, axis=1) > 1], lambda x: x[x.max(1) > 1]),
    "columns": (lambda x: x[:, F.max(x, axis=0) > 1], lambda x: x[:, x.max(0) > 1]),
    "values": (lambda x: F.cond_take(x > 0, x)[0] * 2, lambda x: x[x > 0] * 2),
    "places": (lambda x: F.cond_take(x > 0, x)[1], lambda x: np.flatnonzero(x > 0).astype("i4")),
    "a number": (lambda x: written(x + 0, x > 0, 1.5), lambda x: np.where(x > 0, 1.5, x)),
    "a row": (
        lambda x: written(x + 0, F.max(x, axis=1) > 1, 0.0),
        lambda x: np.where(x.max(1, keepdims=True) > 1, 0, x),
    ),
    "elements": (
        lambda x: written(x + 0, x > 0, x[x > 0] * 2),
        lambda x: np.where(x > 0, x * 2, x),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CASES)
def test_dump(name: str, kind: str, tmp_path: Path) -> None:
    function, _ = CASES[name]
    dump(function, [FIRST], tmp_path / "m.mge", **KINDS[kind])
    check(name, tmp_path / "m.mge")


@pytest.mark.parametrize("name", ["x[x > 0]", "rows", "columns", "values", "places"])
def test_traced(name: str, tmp_path: Path) -> None:
    from megengine.traced_module import trace_module

    class Net(M.Module):
        def forward(self, x: Any) -> Any:
            return CASES[name][0](x)

    mge.save(trace_module(Net(), mge.Tensor(FIRST)), str(tmp_path / "m.tm"))
    check(name, tmp_path / "m.tm")


def check(name: str, path: Path) -> None:
    """Compare the interpreter and onnxruntime with numpy, where all, some and no elements count."""
    for x in (FIRST, OTHER, NONE, -NONE):
        want = CASES[name][1](x).astype(np.int32 if name == "places" else np.float32)
        graph = frontends.read(path, shapes={}, outputs=())
        feeds = {graph.inputs[0].name: x}
        (got,) = evaluate(graph, feeds).values()
        np.testing.assert_allclose(got, want, 1e-6)
        results, _ = run(export(graph, Options(13)), feeds)
        (made,) = results.values()
        np.testing.assert_allclose(made, want, 1e-6)
        assert got.shape == made.shape == want.shape

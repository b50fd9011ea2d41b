"""Random networks through `.tm` to Caffe: OpenCV and our reader compute what MegEngine does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

mge = pytest.importorskip("megengine", reason="the reference")

from mgeconvert import frontends  # noqa: E402
from tests.caffe_backend import random_nets  # noqa: E402
from tests.caffe_backend.running import (  # noqa: E402
    Options,
    difference,
    export,
    run_opencv,
    run_reader,
)

TOLERANCE = 1e-4  # of the largest element: what a Caffe target is held to
OPTIONS = (Options(), Options("opencv"), Options(in_place=True, fuse_bn=True))
SEEDS = [pytest.param(seed, marks=() if seed < 15 else pytest.mark.full) for seed in range(300)]


@pytest.mark.parametrize("seed", SEEDS)
def test_network(seed: int, tmp_path: Path) -> None:
    compare(random_nets.network(seed), tmp_path)


@pytest.mark.parametrize(
    "seed",
    [pytest.param(s, marks=() if s < 15 else pytest.mark.full) for s in range(300)],
)
def test_stepped_network(seed: int, tmp_path: Path) -> None:
    compare(random_nets.network(seed, stepped=True), tmp_path)


def compare(
    made: tuple[random_nets.Program, list[np.ndarray], list[np.ndarray]], tmp_path: Path
) -> None:
    from megengine.traced_module import trace_module

    module, inputs, wants = made
    mge.save(trace_module(module, *map(mge.Tensor, inputs)), str(tmp_path / "m.tm"))
    for options in OPTIONS:
        graph = frontends.read(tmp_path / "m.tm", shapes={}, outputs=())
        names = [port.name for port in graph.outputs]
        files = export(graph, options)
        (name,) = [layer.top[0] for layer in files.nets()[0].layer if layer.type == "Input"]
        for run in (run_reader, run_opencv):
            got = run(files, {name: inputs[0]})
            assert [*got] == names
            for port, want in zip(names, wants, strict=True):
                problem = difference(want, got[port], tolerance=TOLERANCE)
                assert not problem, f"{options}, {run.__name__}, {port}: {problem}"

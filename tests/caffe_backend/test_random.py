"""Random networks through `.tm` to Caffe: OpenCV and our reader compute what MegEngine does."""

from __future__ import annotations

from pathlib import Path

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
UNABLE = {99, 100, 160, 272}  # MegEngine itself fails there: pooling and resizing of odd sizes
SEEDS = [
    pytest.param(seed, marks=() if seed < 15 else pytest.mark.full)
    for seed in range(300)
    if seed not in UNABLE
]


@pytest.mark.parametrize("seed", SEEDS)
def test_network(seed: int, tmp_path: Path) -> None:
    from megengine.traced_module import trace_module

    module, inputs, wants = random_nets.network(seed)
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

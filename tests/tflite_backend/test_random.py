"""Random networks through `.tm` to TFLite: LiteRT computes what MegEngine does."""

from __future__ import annotations

from pathlib import Path

import pytest

mge = pytest.importorskip("megengine", reason="the reference")

from mgeconvert import frontends  # noqa: E402
from tests.caffe_backend import random_nets  # noqa: E402
from tests.onnx_backend.running import difference  # noqa: E402
from tests.tflite_backend.running import Options, export, run  # noqa: E402

pytestmark = pytest.mark.slow

RTOL, ATOL = 1e-4, 2e-5  # the second one of the largest element
UNABLE = {99, 100, 160, 272}  # MegEngine itself fails there: pooling and resizing of odd sizes
SEEDS = [
    pytest.param(seed, marks=() if seed < 20 else pytest.mark.full)
    for seed in range(300)
    if seed not in UNABLE
]


@pytest.mark.parametrize("seed", SEEDS)
def test_network(seed: int, tmp_path: Path) -> None:
    from megengine.traced_module import trace_module

    module, inputs, wants = random_nets.network(seed)
    mge.save(trace_module(module, *map(mge.Tensor, inputs)), str(tmp_path / "m.tm"))
    for options in (Options(), Options(disable_nhwc=True, prefer_same_pad_mode=True)):
        graph = frontends.read(tmp_path / "m.tm", shapes={}, outputs=())
        names = [port.name for port in graph.outputs]
        feeds = {port.name: data for port, data in zip(graph.inputs, inputs, strict=True)}
        got = run(export(graph, options), feeds)
        for name, want in zip(names, wants, strict=True):
            atol = ATOL * max(float(abs(want).max()), 1.0)
            assert difference(want, got[name], rtol=RTOL, atol=atol) == "", (options, name)

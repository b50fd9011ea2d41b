"""QAT and quantized TracedModules, against what MegEngine computes from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

mge = pytest.importorskip("megengine", reason="the reference")

from mgeconvert import frontends  # noqa: E402
from mgeconvert.ir.interpret import evaluate  # noqa: E402
from mgeconvert.ir.verify import verify  # noqa: E402
from tests.quant import configs  # noqa: E402

pytestmark = pytest.mark.slow

UNABLE = ("transposed", "transposed_relu", "transposed_bn", "transposed_bn_relu", "mul")
"""MegEngine 1.13 cannot run these quantized: no bias and no groups there, no product."""


def run(module, arrays, path: Path):
    """Return what MegEngine and the IR give for the traced `module`, and the graph."""
    from megengine.traced_module import trace_module

    traced = trace_module(module, *map(mge.Tensor, arrays))
    traced.eval()
    want = traced(*map(mge.Tensor, arrays)).numpy()
    mge.save(traced, str(path / "m.tm"))
    graph = frontends.read(path / "m.tm", shapes={}, outputs=())
    verify(graph)
    feeds = {port.name: array for port, array in zip(graph.inputs, arrays)}
    (got,) = evaluate(graph, feeds, quantized=True).values()
    return got, want, graph


def last_step(graph):
    return max(v.quant.scale[0] for n in graph for v in n.outputs if v.quant)


@pytest.mark.parametrize("name", configs.MODULES)
@pytest.mark.parametrize("qconfig", configs.QCONFIGS)
def test_qat_modules_round_as_megengine_does(qconfig, name, tmp_path):
    arrays = configs.inputs(name)
    module = configs.trained(configs.randomized(configs.MODULES[name]()), qconfig, *arrays)
    got, want, graph = run(module, arrays, tmp_path)
    assert any(v.quant for n in graph for v in n.outputs)
    off = np.abs(got - want) > 1e-5
    most = 0.1 if qconfig == "qint16" else 1e-3  # a step of 16 bits is near float32's own error
    assert off.sum() <= max(1, most * off.size)
    assert np.abs(got - want).max() <= last_step(graph) * 1.001


def test_rounding_that_is_switched_off_is_none(tmp_path):
    import megengine.quantization as Q

    arrays = configs.inputs("conv_bn_relu")
    module = configs.trained(configs.MODULES["conv_bn_relu"](), "ema", *arrays)
    Q.disable_fake_quant(module)
    got, want, graph = run(module, arrays, tmp_path)
    assert not any(v.quant for n in graph for v in (*n.inputs, *n.outputs))
    np.testing.assert_allclose(got, want, atol=1e-5)


@pytest.mark.parametrize("name", [n for n in configs.MODULES if n not in UNABLE])
@pytest.mark.parametrize("qconfig", ["min_max", "tqt"])
def test_quantized_modules_give_megengine_s_numbers(qconfig, name, tmp_path):
    import megengine.quantization as Q

    arrays = configs.inputs(name)
    module = configs.trained(configs.randomized(configs.MODULES[name]()), qconfig, *arrays)
    Q.quantize(module)
    module.eval()
    got, want, graph = run(module, arrays, tmp_path)
    steps = np.rint(np.abs(got - want) / last_step(graph))
    assert (steps > 0).sum() <= max(1, 1e-3 * steps.size)
    assert steps.max() <= 1

"""Whole networks as QDQ models in onnxruntime: SNR and classes against MegEngine's result."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest

mge = pytest.importorskip("megengine", reason="the reference")

import megengine.quantization as Q  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

from tests.quant import configs, networks  # noqa: E402
from tests.quant.test_onnx import converted, session  # noqa: E402
from tests.quant.test_traced import run  # noqa: E402

pytestmark = pytest.mark.slow

ROWS = 64
FLOORS = {8: 38.0, 4: 20.0}
"""The least SNR in dB by the bits of the weights; the noise of 8 bits itself is at 20 to 50 dB."""
KERNELS = {
    "residual": {"QLinearConv", "QLinearAdd", "QGemm"},
    "depthwise": {"QLinearConv"},
    "shuffled": {"QLinearConv", "QLinearConcat"},
    "upsampled": {"QLinearConv"},
    "dense": {"QGemm"},
}


def snr(got, want):
    error = np.sum((got.astype(np.float64) - want) ** 2)
    return np.inf if error == 0 else 10 * np.log10(np.sum(want.astype(np.float64) ** 2) / error)


def classes(scores):
    return scores.reshape(*scores.shape[:2], -1).argmax(1)


def made(module, x, path):
    _, want, graph = run(module, (x,), path)
    return graph, graph.inputs[0].name, want


@pytest.mark.parametrize("opset", [13, pytest.param(21, marks=pytest.mark.slow)])
@pytest.mark.parametrize("qconfig", ["ema", "quint8", "tqt", "lowbit"])
@pytest.mark.parametrize("name", networks.NETWORKS)
def test_trained_networks(name, qconfig, opset, tmp_path):
    x = networks.inputs(name, rows=ROWS)
    graph, port, want = made(networks.trained(name, qconfig), x, tmp_path)
    files = converted(graph, opset=opset)
    ran, kinds = session(files["m.onnx"], tmp_path)
    (got,) = ran.run(None, {port: x})
    assert snr(got, want) > FLOORS[4 if qconfig == "lowbit" else 8]
    assert np.mean(classes(got) == classes(want)) >= 0.96
    if qconfig == "quint8":
        assert kinds >= KERNELS[name]


@pytest.mark.parametrize("qconfig", ["ema", "min_max"])
@pytest.mark.parametrize("name", networks.NETWORKS)
def test_quantized_networks(name, qconfig, tmp_path):
    x = networks.inputs(name, rows=ROWS)
    graph, port, want = made(networks.quantized(name, qconfig), x, tmp_path)
    files = converted(graph, opset=13)
    (got,) = session(files["m.onnx"], tmp_path)[0].run(None, {port: x})
    step = list(json.loads(files["m.quant_params.json"]).values())[-1]["scale"]
    steps = np.rint(np.abs(got - want) / step)
    assert snr(got, want) > FLOORS[8]
    assert np.mean(steps == 0) > 0.95
    assert steps.max() <= 2
    assert np.mean(classes(got) == classes(want)) >= 0.96
    stored = onnx.load_from_string(files["m.onnx"]).graph.initializer
    weights = [t for t in stored if len(t.dims) >= 2 and "fc" not in t.name]
    assert {t.data_type for t in weights} == {onnx.TensorProto.INT8}


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_opset_23_in_the_reference_of_onnx(name, tmp_path):
    x = networks.inputs(name, rows=2)
    graph, port, want = made(networks.trained(name, "ema"), x, tmp_path)
    model = onnx.load_from_string(converted(graph, opset=23)["m.onnx"])
    assert "QuantizeLinear" in {node.op_type for node in model.graph.node}
    (got,) = ReferenceEvaluator(model).run(None, {port: x})
    assert snr(got, want) > FLOORS[8]


@pytest.mark.parametrize(
    "name", ["transposed", "transposed_plain", "transposed_relu", "transposed_bn"]
)
@pytest.mark.parametrize("opset", [10, 13, 21])
def test_transposed_convolutions(name, opset, tmp_path):
    arrays = configs.inputs(name)
    module = configs.trained(configs.randomized(configs.MODULES[name]()), "ema", *arrays)
    _, want, graph = run(module, arrays, tmp_path)
    feeds = {port.name: array for port, array in zip(graph.inputs, arrays)}
    files = converted(graph, opset=opset)
    (got,) = session(files["m.onnx"], tmp_path)[0].run(None, feeds)
    step = list(json.loads(files["m.quant_params.json"]).values())[-1]["scale"]
    steps = np.rint(np.abs(got - want) / step)
    assert (steps > 0).sum() <= max(1, 1e-3 * steps.size)
    assert steps.max() <= 1


def test_a_quantized_transposed_convolution(tmp_path):
    arrays = configs.inputs("transposed_plain")
    module = configs.trained(
        configs.randomized(configs.MODULES["transposed_plain"]()), "ema", *arrays
    )
    Q.quantize(module)
    module.eval()
    _, want, graph = run(module, arrays, tmp_path)
    files = converted(graph, opset=13)
    (got,) = session(files["m.onnx"], tmp_path)[0].run(None, {graph.inputs[0].name: arrays[0]})
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_a_network_calibrated_by_histograms(tmp_path):
    """MegEngine searches the parameters in the histograms when it quantizes the network."""
    x = networks.inputs("dense", rows=ROWS)
    plain = networks.plain("dense")
    want = plain(mge.Tensor(x)).numpy()
    module = Q.quantize_qat(plain, qconfig=Q.calibration_qconfig)
    module.eval()
    Q.enable_observer(module)
    module(mge.Tensor(x))
    module(mge.Tensor(0.9 * x))
    Q.quantize(module)
    module.eval()
    graph, port, whole = made(module, x, tmp_path)
    (got,) = session(converted(graph, opset=13)["m.onnx"], tmp_path)[0].run(None, {port: x})
    assert snr(got, whole) > FLOORS[8]
    assert snr(got, want) > 15

"""QDQ models in onnxruntime: MegEngine's numbers, by kernels of whole numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

mge = pytest.importorskip("megengine", reason="the reference")

import onnx  # noqa: E402
import onnxruntime  # noqa: E402

from mgeconvert.backends import Quantization, Request, load  # noqa: E402
from mgeconvert.errors import ConversionFailed, QuantError, UnsupportedCase  # noqa: E402
from mgeconvert.manifest import OnnxOptions  # noqa: E402
from tests.quant import configs  # noqa: E402
from tests.quant.test_traced import run  # noqa: E402

KERNELS = {
    "conv": "QLinearConv",
    "conv_bn_relu": "QLinearConv",
    "linear": "QGemm",
    "add": "QLinearAdd",
    "mul": "QLinearMul",
    "concat": "QLinearConcat",
}


def converted(graph, *, opset=17, quantize=True, **asked):
    options = OnnxOptions(opset=opset, quantize=quantize)
    request = Request(options, "m", {}, Quantization(**asked))
    artifact = load("onnx").convert(graph, request, lambda name, graph: None)
    return {name: b"".join(map(bytes, chunks)) for name, chunks in artifact.files.items()}


def made(name, qconfig, path):
    arrays = configs.inputs(name)
    module = configs.trained(configs.randomized(configs.MODULES[name]()), qconfig, *arrays)
    _, want, graph = run(module, arrays, path)
    return graph, {p.name: a for p, a in zip(graph.inputs, arrays)}, want


def session(model: bytes, path: Path):
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(path / "optimized.onnx")
    options.log_severity_level = 3
    ran = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    kinds = {node.op_type for node in onnx.load(path / "optimized.onnx").graph.node}
    return ran, kinds


@pytest.mark.parametrize("opset", [10, 13, 17, 21])
@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("qconfig", ["ema", "quint8"])
def test_kernels_of_whole_numbers_give_megengine_s_result(qconfig, name, opset, tmp_path):
    graph, feeds, want = made(name, qconfig, tmp_path)
    files = converted(graph, opset=opset)
    ran, kinds = session(files["m.onnx"], tmp_path)
    assert KERNELS[name] in kinds
    (got,) = ran.run(None, feeds)
    step = list(json.loads(files["m.quant_params.json"]).values())[-1]["scale"]
    steps = np.rint(np.abs(got - want) / step)
    assert (steps > 0).sum() <= max(1, 1e-3 * steps.size)
    assert steps.max() <= 1


def test_sixteen_bits_need_opset_21(tmp_path):
    graph, feeds, want = made("conv", "qint16", tmp_path)
    files = converted(graph, opset=21)
    (got,) = session(files["m.onnx"], tmp_path)[0].run(None, feeds)
    np.testing.assert_allclose(got, want, atol=1e-3)
    graph, *_ = made("conv", "qint16", tmp_path)
    with pytest.raises(ConversionFailed, match="int16") as failed:
        converted(graph, opset=17)
    assert "21" in failed.value.problems[0].hint


def test_opsets_without_quantization_are_refused(tmp_path):
    graph, *_ = made("conv", "ema", tmp_path)
    with pytest.raises(UnsupportedCase, match="opset 9") as refused:
        converted(graph, opset=9)
    assert "10" in refused.value.hint


def test_a_float_model_has_its_parameters_beside_it(tmp_path):
    graph, _, _ = made("conv_bn", "ema", tmp_path)
    files = converted(graph, quantize=False)
    model = onnx.load_from_string(files["m.onnx"])
    assert not any("Quantize" in node.op_type for node in model.graph.node)
    known = {name for node in model.graph.node for name in (*node.input, *node.output)}
    entries = json.loads(files["m.quant_params.json"])
    assert set(entries) <= known
    assert [e["is_weight"] for e in entries.values()] == [False, True, True, False]
    weight = next(e for e in entries.values() if e["is_weight"])
    assert list(weight)[:5] == ["dtype", "qmin", "qmax", "scale", "zero_point"]
    assert (weight["dtype"], weight["qmin"], weight["zero_point"]) == ("int8", -127, None)
    again, *_ = made("conv_bn", "ema", tmp_path)
    assert converted(again, quantize=False) == files


def test_parameters_are_read_back(tmp_path):
    graph, feeds, want = made("conv", "ema", tmp_path)
    entries = json.loads(converted(graph, quantize=False)["m.quant_params.json"])
    float_graph, *_ = made("conv", "ema", tmp_path)
    for node in float_graph:
        for value in (*node.inputs, *node.outputs):
            value.quant = None
    files = converted(float_graph, params=entries)
    (got,) = session(files["m.onnx"], tmp_path)[0].run(None, feeds)
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_wrong_parameters_are_refused(tmp_path):
    graph, *_ = made("conv", "ema", tmp_path)
    with pytest.raises(QuantError, match="no tensor 'nothing'"):
        converted(graph, params={"nothing": {}})


def test_parameters_alone_are_rounded(tmp_path):
    graph, *_ = made("conv", "ema", tmp_path)
    files = converted(graph, quantize=False, param_fake_quant=True)
    entries = json.loads(files["m.quant_params.json"])
    model = onnx.load_from_string(files["m.onnx"])
    weights = [t for t in model.graph.initializer if t.name in entries]
    assert weights
    for tensor in weights:
        steps = onnx.numpy_helper.to_array(tensor) / np.float32(entries[tensor.name]["scale"])
        np.testing.assert_allclose(steps, np.rint(steps), atol=1e-2)

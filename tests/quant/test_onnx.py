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
from mgeconvert.errors import (  # noqa: E402
    ConversionFailed,
    Location,
    QuantError,
    UnsupportedCase,
)
from mgeconvert.ir import DType, Graph, Quant, TensorType, evaluate, ops  # noqa: E402
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


def layer_in_steps(step, *, kind=DType.I32):
    """Return a layer of whole numbers whose result is rounded to `step`, then to int8."""
    byte = Quant(DType.I8, -128, 127, (0.5,))
    graph = Graph()
    x = graph.input("x", TensorType(DType.F32, (4, 6)))
    x.quant = byte
    weight = np.random.RandomState(0).randint(-9, 9, (5, 6)).astype(np.float32) * np.float32(0.25)
    w = graph.constant("w", weight)
    w.quant = Quant(DType.I8, -127, 127, (0.25,))
    at = Location("test")
    y = graph.add(ops.Linear(), x, w, name="y", at=at)
    limits = np.iinfo(kind.numpy)
    y.quant = Quant(kind, int(limits.min), int(limits.max), (step,))
    z = graph.add(ops.Identity(), y, name="z", at=at)
    z.quant = Quant(DType.I8, -128, 127, (0.317,))  # so that there are no ties
    graph.output("z", z)
    return graph


@pytest.mark.parametrize(
    ("step", "rounds"), [(0.125, False), (0.302, True), (3.02, True), (0.0625, True)]
)
@pytest.mark.parametrize("opset", [11, 17])
def test_sums_of_32_bits_are_rounded_where_that_changes_them(step, rounds, opset, tmp_path):
    x = np.random.RandomState(1).randn(4, 6).astype(np.float32) * 4
    (want,) = evaluate(layer_in_steps(step), {"x": x}, quantized=True).values()
    model = converted(layer_in_steps(step), opset=opset)["m.onnx"]
    kinds = {node.op_type for node in onnx.load_from_string(model).graph.node}
    assert ("Round" in kinds) == rounds
    ran, optimized = session(model, tmp_path)
    (got,) = ran.run(None, {"x": x})
    np.testing.assert_array_equal(got, want)
    if opset == 17 and not rounds:
        assert "QGemm" in optimized


def test_32_bits_need_opset_11():
    with pytest.raises(ConversionFailed, match="int32") as failed:
        converted(layer_in_steps(0.3), opset=10)
    assert "11" in failed.value.problems[0].hint
    converted(layer_in_steps(0.125), opset=10)


@pytest.mark.parametrize("zero", [0, 7])
def test_inputs_of_32_bits(zero, tmp_path):
    graph = Graph()
    x = graph.input("x", TensorType(DType.F32, (1, 2, 3)))
    x.quant = Quant(DType.I32, -20, 20, (0.5, 4.0), (zero,), axis=1)
    graph.output("y", graph.add(ops.Exp(), x, name="y", at=Location("test")))
    data = np.array([[[-20.0, 0.3, 3.3], [-200.0, 9.0, 200.0]]], np.float32) / 8
    (want,) = evaluate(graph, {"x": data}, quantized=True).values()
    model = converted(graph, opset=13)["m.onnx"]
    (got,) = session(model, tmp_path)[0].run(None, {"x": data})
    np.testing.assert_allclose(got, want, rtol=1e-6)

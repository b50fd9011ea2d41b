"""Quantized TFLite models in LiteRT: MegEngine's numbers, within its steps."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

mge = pytest.importorskip("megengine", reason="the reference")

from mgeconvert.backends import Quantization  # noqa: E402
from mgeconvert.errors import (  # noqa: E402
    ConversionFailed,
    Location,
    QuantError,
    UnsupportedCase,
)
from mgeconvert.ir import DType, Graph, Quant, TensorType, evaluate, ops  # noqa: E402
from mgeconvert.ir.quantize import fake_quantize  # noqa: E402
from mgeconvert.ir.ranges import parameters  # noqa: E402
from tests.quant import configs, networks  # noqa: E402
from tests.quant.test_onnx import made  # noqa: E402
from tests.quant.test_traced import run as traced  # noqa: E402
from tests.tflite_backend.running import Options, codes, files, run, structure  # noqa: E402

QUANTIZED = Options(quantize=True)
USUAL = ("ema", "quint8", "mixed", "lowbit")
QCONFIGS = [
    pytest.param(name, marks=() if name in USUAL else pytest.mark.full) for name in configs.QCONFIGS
]
BESIDES = {"QUANTIZE", "DEQUANTIZE"}
POOL = ops.AvgPool(kernel=(4, 4), stride=(4, 4), padding=((0, 0), (0, 0)))
KERNELS = {
    "conv": {"CONV_2D"},
    "conv_depthwise": {"DEPTHWISE_CONV_2D"},
    "conv_bn_relu": {"DEPTHWISE_CONV_2D"},
    "transposed": {"TRANSPOSE_CONV"},
    "linear_relu": {"FULLY_CONNECTED"},
    "fuse_add_relu": {"ADD"},
    "mul": {"MUL"},
    "concat": {"CONCATENATION", "QUANTIZE"},
}


def step(graph):
    """Return the size of the output's steps."""
    value = graph.outputs[0].value
    while value.quant is None:  # a stub that takes the parameters off
        (value,) = value.producer.inputs
    return value.quant.scale[0]


@pytest.mark.parametrize("name", configs.MODULES)
@pytest.mark.parametrize("qconfig", QCONFIGS)
def test_modules(qconfig: str, name: str, tmp_path: Path) -> None:
    graph, feeds, want = made(name, qconfig, tmp_path)
    size = step(graph)
    (got,) = run(files(graph, QUANTIZED)["net.tflite"], feeds).values()
    off = np.rint(np.abs(got.astype(np.float64) - want) / size)
    # LiteRT's 16-bit convolutions round in their own way: a step off on many elements.
    assert (off > 1).sum() <= 1e-3 * off.size
    assert off.max() <= 2


@pytest.mark.parametrize("qconfig", ["ema", "quint8", "mixed"])
@pytest.mark.parametrize("name", KERNELS)
def test_kernels_of_whole_numbers_compute(name: str, qconfig: str, tmp_path: Path) -> None:
    graph, *_ = made(name, qconfig, tmp_path)
    model = files(graph, QUANTIZED)["net.tflite"]
    assert {*codes(model)} == KERNELS[name]
    kinds = {"ema": 9, "quint8": 3, "mixed": 7}  # the schema's INT8, UINT8 and INT16
    made_by = structure(model).subgraphs[0]
    results = {made_by.tensors[i].type for op in made_by.operators for i in op.outputs}
    assert results == {kinds[qconfig]}


def snr(got, want):
    """Return the ratio of signal to noise in dB."""
    noise = np.square(got.astype(np.float64) - want).sum()
    return np.inf if noise == 0 else 10 * np.log10(np.square(want.astype(np.float64)).sum() / noise)


@pytest.mark.parametrize(
    ("form", "qconfig"), [("trained", "ema"), ("trained", "quint8"), ("quantized", "ema")]
)
@pytest.mark.parametrize("name", networks.NETWORKS)
def test_networks(name: str, form: str, qconfig: str, tmp_path: Path) -> None:
    module = getattr(networks, form)(name, qconfig)
    data = networks.inputs(name)
    _, want, graph = traced(module, (data,), tmp_path)
    model = files(graph, QUANTIZED)["net.tflite"]
    assert ("TRANSPOSE" in codes(model)) == (name == "shuffled")
    (got,) = run(model, {graph.inputs[0].name: data}).values()
    assert snr(got, want) >= 35
    assert (np.argmax(got, 1) == np.argmax(want, 1)).mean() >= 0.95


def test_weights_and_biases_are_whole_numbers(tmp_path: Path) -> None:
    graph, *_ = made("conv", "ema", tmp_path)
    model = structure(files(graph, QUANTIZED)["net.tflite"])
    (conv,) = model.subgraphs[0].operators
    x, w, b = (model.subgraphs[0].tensors[i] for i in conv.inputs)
    weights = np.frombuffer(bytes(model.buffers[w.buffer].data), np.int8)
    assert weights.size == 3 * 4 * 9
    assert -127 <= weights.min() < weights.max() <= 127
    assert len(model.buffers[b.buffer].data) == 4 * 4
    assert b.quantization.scale[0] == np.float32(x.quantization.scale[0]) * np.float32(
        w.quantization.scale[0]
    )


def test_scales_for_each_channel(tmp_path: Path) -> None:
    """MegEngine has none; they come from ONNX or a file of parameters."""
    entries, wanted = {}, None
    graph, feeds, want = made("conv_depthwise", "ema", tmp_path)
    for node in graph:
        for value in (*node.inputs, *node.outputs):
            if value.const is None or value.quant is None:
                continue
            if value.type.rank == 5 or value.type.rank == 4:
                axis = 0
                most = np.abs(value.const.reshape(value.const.shape[0], -1)).max(1)
                scales = tuple(float(s) for s in most / 127)
                value.quant = type(value.quant)(DType.I8, -127, 127, scales, axis=axis)
                entries[value.name], wanted = value.quant, scales
    assert entries
    model = files(graph, QUANTIZED)["net.tflite"]
    graph_ = structure(model).subgraphs[0]
    w = graph_.tensors[graph_.operators[0].inputs[1]].quantization
    assert w.quantizedDimension == 3
    np.testing.assert_array_equal(w.scale, np.float32(wanted))
    (got,) = run(model, feeds).values()
    assert snr(got, want) >= 30


def test_a_float_model_has_its_parameters_beside_it(tmp_path: Path) -> None:
    graph, *_ = made("conv_bn", "ema", tmp_path)
    made_ = files(graph)
    tensors = structure(made_["net.tflite"]).subgraphs[0].tensors
    assert all(not t.quantization or t.quantization.scale is None for t in tensors)
    entries = json.loads(made_["net.quant_params.json"])
    assert [e["is_weight"] for e in entries.values()] == [False, True, True, False]


def test_parameters_alone_are_rounded(tmp_path: Path) -> None:
    graph, *_ = made("conv", "ema", tmp_path)
    made_ = files(graph, Options(), Quantization(param_fake_quant=True))
    entries = json.loads(made_["net.quant_params.json"])
    (scale,) = (e["scale"] for e in entries.values() if e["is_weight"] and e["dtype"] == "int8")
    model = structure(made_["net.tflite"])
    conv = model.subgraphs[0].operators[0]
    w = model.subgraphs[0].tensors[conv.inputs[1]]
    steps = np.frombuffer(bytes(model.buffers[w.buffer].data), np.float32) / np.float32(scale)
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-2)


def test_a_relu_that_changes_nothing_can_be_left_out(tmp_path: Path) -> None:
    """The transposed convolution has no fused activation; unsigned numbers need none."""
    kept, _, _ = made("transposed_relu", "quint8", tmp_path)
    for node in kept:
        if isinstance(node.op, ops.Relu):
            q = node.output.quant
            node.output.quant = type(q)(q.dtype, q.qmin, q.qmax, q.scale, (0,))
    assert "RELU" in codes(files(kept, QUANTIZED)["net.tflite"])
    left, feeds, _ = made("transposed_relu", "quint8", tmp_path)
    for node in left:
        if isinstance(node.op, ops.Relu):
            q = node.output.quant
            node.output.quant = type(q)(q.dtype, q.qmin, q.qmax, q.scale, (0,))
    model = files(left, Options(quantize=True, remove_relu=True))["net.tflite"]
    assert "RELU" not in codes(model)
    (got,) = run(model, feeds).values()
    assert got.min() >= 0


def test_inputs_of_fewer_bits_stay_within_them(tmp_path: Path) -> None:
    graph, feeds, _ = made("conv", "lowbit", tmp_path)
    far = {name: 9 * data for name, data in feeds.items()}
    (want,) = evaluate(graph, far, quantized=True).values()
    size = step(graph)
    (got,) = run(files(graph, QUANTIZED)["net.tflite"], far).values()
    assert np.abs(got - want).max() <= 1.01 * size


def test_biases_of_64_bits(tmp_path: Path) -> None:
    wide = Options(quantize=True, use_int64_bias=True)
    graph, feeds, want = made("linear", "mixed", tmp_path)
    size = step(graph)
    (got,) = run(files(graph, wide)["net.tflite"], feeds).values()
    assert np.abs(got - want).max() <= 2.01 * size
    graph, *_ = made("linear", "ema", tmp_path)
    with pytest.raises(UnsupportedCase, match="use_int64_bias with int8 activations"):
        files(graph, wide)


def test_a_model_without_parameters_is_refused(tmp_path: Path) -> None:
    graph, *_ = made("conv", "ema", tmp_path)
    for node in graph:
        for value in (*node.inputs, *node.outputs):
            value.quant = None
    with pytest.raises((QuantError, ConversionFailed), match="no value of the model"):
        files(graph, QUANTIZED)


@pytest.mark.parametrize("finer", [1.9, 16.0])
def test_averages_keep_steps_finer_than_those_of_their_operand(finer: float) -> None:
    """AVERAGE_POOL_2D rounds to the steps of its operand."""
    graph = Graph()
    x = graph.input("x", TensorType(DType.F32, (2, 3, 8, 8)))
    graph.output("y", graph.add(POOL, x, name="y", at=Location("test")))
    x.quant = parameters(-1, 1, DType.I8)
    graph.outputs[0].value.quant = parameters(-1 / finer, 1 / finer, DType.I8)
    data = np.random.default_rng(0).uniform(-1, 1, (2, 3, 8, 8)).astype(np.float32)
    (want,) = evaluate(graph, {"x": data}, quantized=True).values()
    size = step(graph)
    model = files(graph, QUANTIZED)["net.tflite"]
    assert ("DEQUANTIZE" in codes(model)) == (finer > 2)
    (got,) = run(model, {"x": data}).values()
    assert np.abs(got - want).max() <= 1.01 * size


@pytest.mark.parametrize(("dtype", "reach"), [(DType.I8, 2.0**19), (DType.I16, 2.0**14)])
def test_scales_too_far_apart_are_added_in_floats(dtype: DType, reach: float) -> None:
    """LiteRT aborts the process on them."""
    for ratio, kernels in ((reach / 1.01, {"ADD"}), (reach, {"ADD", *BESIDES})):
        graph = Graph()
        x, y = (graph.input(name, TensorType(DType.F32, (2, 3))) for name in "xy")
        z = graph.add(ops.Add(), x, y, name="z", at=Location("test"))
        graph.output("z", z)
        for value, scale in ((x, 1e-3), (y, 1e-3 * ratio), (z, 1e-3)):
            value.quant = parameters(-scale * 127, scale * 128, dtype)
            value.quant = replace(value.quant, scale=(scale,))
        model = files(graph, QUANTIZED)["net.tflite"]
        assert {*codes(model)} == kernels
        feeds = {"x": np.full((2, 3), 0.005, np.float32), "y": np.zeros((2, 3), np.float32)}
        np.testing.assert_allclose(run(model, feeds)["z"], 0.005, atol=1e-3)


def annotated(dtype: DType, scale: float) -> Graph:
    """Return x -> exp(x) -> relu, the exponential rounded to steps of `scale`."""
    graph = Graph()
    x = graph.input("x", TensorType(DType.F32, (2, 3)))
    y = graph.add(ops.Exp(), x, name="y", at=Location("test"))
    z = graph.add(ops.Relu(), y, name="z", at=Location("test"))
    graph.output("z", z)
    limits = np.iinfo(dtype.numpy)
    y.quant = Quant(dtype, int(limits.min), int(limits.max), (scale,))
    z.quant = parameters(-1, 1, DType.I8)
    return graph


def test_steps_of_32_bits_are_written_out() -> None:
    x = np.array([[-1.2, 0.3, -0.8], [-0.1, -2.0, 0.0]], np.float32)
    model = files(annotated(DType.I32, 0.3), QUANTIZED)["net.tflite"]
    (got,) = run(model, {"x": x}).values()
    want = np.floor(np.exp(x) / np.float32(0.3) + 0.5) * np.float32(0.3)
    np.testing.assert_allclose(got, fake_quantize(want, parameters(-1, 1, DType.I8)), atol=1e-6)


def test_other_types_are_refused_by_name() -> None:
    with pytest.raises(ConversionFailed, match="quantization to uint16") as failed:
        files(annotated(DType.U16, 0.3), QUANTIZED)
    assert failed.value.problems[0].at.name == "y"

"""QAT and quantized models: float nets with MegEngine's numbers, and the parameters beside them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

mge = pytest.importorskip("megengine", reason="the reference")

from mgeconvert import frontends  # noqa: E402
from mgeconvert.backends import Quantization, Request, load  # noqa: E402
from mgeconvert.build.single import convert_single  # noqa: E402
from mgeconvert.check.runners.megengine_rounding import NONE, PARAMETERS, relax  # noqa: E402
from mgeconvert.errors import ConversionFailed, Location, QuantError  # noqa: E402
from mgeconvert.ir import DType, Graph, Quant, TensorType, ops  # noqa: E402
from mgeconvert.manifest import single_job  # noqa: E402
from mgeconvert.manifest.options import QuantizationKeys  # noqa: E402
from tests.caffe_backend.running import (  # noqa: E402
    Files,
    Options,
    difference,
    run_opencv,
    run_reader,
    unobserved,
)
from tests.quant import configs, networks  # noqa: E402

pytestmark = pytest.mark.slow

TOLERANCE = 1e-4  # of the largest element: what a Caffe target is held to
AT = Location("test")
PLAIN = Options()
STEP = Quant(DType.I8, -128, 127, (0.25,))


def export(
    graph: Graph, options: Options = PLAIN, **asked: Any
) -> tuple[Files, dict[str, dict[str, Any]]]:
    """Return the net and the entries of the file of parameters."""
    request = Request(options, "m", {}, Quantization(**asked))
    artifact = load("caffe").convert(graph, request, unobserved)
    files = {name: b"".join(map(bytes, chunks)) for name, chunks in artifact.files.items()}
    entries = json.loads(files.pop("m.quant_params.json", b"{}"))
    assert sorted(files) == ["m.caffemodel", "m.prototxt"]
    return Files(files["m.prototxt"], files["m.caffemodel"]), entries


def saved(module: Any, array: np.ndarray, path: Path) -> Path:
    from megengine.traced_module import trace_module

    traced = trace_module(module, mge.Tensor(array))
    traced.eval()
    mge.save(traced, str(path / "m.tm"))
    return path / "m.tm"


def reference(file: Path, array: np.ndarray, rounding: str) -> np.ndarray:
    module = mge.load(str(file))
    relax(module, rounding)
    return module(mge.Tensor(array)).numpy()


def read(file: Path) -> Graph:
    return frontends.read(file, shapes={}, outputs=())


def weights(files: Files) -> dict[str, np.ndarray]:
    """Return the weights by the names that the file of parameters has for them."""
    _, binary = files.nets()
    return {
        f"{layer.name}.{name}": np.array(blob.data, np.float32).reshape(tuple(blob.shape.dim))
        for layer in binary.layer
        for name, blob in zip(("weight", "bias"), layer.blobs)
    }


@pytest.mark.parametrize("rounding", [NONE, PARAMETERS])
@pytest.mark.parametrize("kind", ["trained", "quantized"])
@pytest.mark.parametrize("name", networks.NETWORKS)
def test_networks_are_float_with_parameters(
    name: str, kind: str, rounding: str, tmp_path: Path
) -> None:
    array = networks.inputs(name, rows=2)
    file = saved(getattr(networks, kind)(name), array, tmp_path)
    want = reference(file, array, rounding)
    files, entries = export(read(file), param_fake_quant=rounding == PARAMETERS)
    text, _ = files.nets()
    feed = {next(iter(layer.top)): array for layer in text.layer if layer.type == "Input"}
    for run in (run_reader, run_opencv):
        (got,) = run(files, feed).values()
        assert not difference(want, got, tolerance=TOLERANCE)
    blobs = {top for layer in text.layer for top in layer.top}
    numbers = weights(files)
    for tensor, entry in entries.items():
        assert tensor in (numbers if entry["is_weight"] else blobs)
    convolutions = [layer.name for layer in text.layer if layer.type == "Convolution"]
    assert convolutions or name == "dense"
    rounded = [f"{c}.weight" for c in convolutions if f"{c}.weight" in entries]
    assert len(rounded) == len(convolutions) or name == "depthwise"
    if rounding == PARAMETERS or kind == "quantized":
        for tensor, entry in entries.items():
            if entry["is_weight"] and entry["dtype"] == "int8":
                steps = numbers[tensor] / np.float32(entry["scale"])
                np.testing.assert_allclose(steps, np.rint(steps), atol=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "rounded"), [("trained", False), ("quantized", True)])
def test_the_check_asks_megengine_for_the_same_rounding(
    kind: str, tmp_path: Path, *, rounded: bool
) -> None:
    file = saved(getattr(networks, kind)("residual"), networks.inputs("residual"), tmp_path)
    job = single_job(
        source=file,
        output=tmp_path / "m.prototxt",
        format="caffe",
        quantization=QuantizationKeys(param_fake_quant=rounded),
    )
    names = [file.name for file in convert_single(job).files]
    assert names == ["m.prototxt", "m.caffemodel", "m.quant_params.json"]
    if not rounded:
        exact = replace(job, check=replace(job.check, rtol_max=1e-9))
        with pytest.raises(ConversionFailed, match="rtol_max 1e-09"):
            convert_single(exact)


def test_the_file_follows_the_net_and_stays_equal(tmp_path: Path) -> None:
    array = configs.inputs("conv_bn_relu")[0]
    module = configs.trained(configs.MODULES["conv_bn_relu"](), "ema", array)
    file = saved(module, array, tmp_path)
    files, entries = export(read(file))
    text, _ = files.nets()
    (conv,) = [layer for layer in text.layer if layer.type == "Convolution"]
    (relu,) = [layer for layer in text.layer if layer.type == "ReLU"]
    data = text.layer[0].top[0]
    assert [*entries] == [data, f"{conv.name}.weight", f"{conv.name}.bias", relu.top[0]]
    assert list(entries[data]) == ["dtype", "qmin", "qmax", "scale", "zero_point", "is_weight"]
    assert entries[f"{conv.name}.bias"]["dtype"] == "int32"
    assert export(read(file)) == (files, entries)


@pytest.mark.parametrize("name", ["conv_relu", "conv_bn_relu", "linear_relu", "transposed_relu"])
@pytest.mark.parametrize("in_place", [False, True])
def test_a_relu_that_is_split_leaves_the_layer_s_result_its_parameters(
    in_place: bool, name: str, tmp_path: Path
) -> None:
    array = configs.inputs(name)[0]
    module = configs.trained(configs.randomized(configs.MODULES[name]()), "ema", array)
    file = saved(module, array, tmp_path)
    whole, before = export(read(file), Options(in_place=in_place))
    split, after = export(read(file), Options(in_place=in_place, split_conv_relu=True))
    (relu,) = [layer for layer in split.nets()[0].layer if layer.type == "ReLU"]
    assert relu.bottom[0] != relu.top[0]
    assert relu.bottom[0] not in before
    assert {*after} - {*before} == {relu.bottom[0]}
    assert after[relu.bottom[0]] == after[relu.top[0]]
    feed = {whole.nets()[0].layer[0].top[0]: array}
    got, want = (run_opencv(files, feed) for files in (split, whole))
    np.testing.assert_array_equal([*got.values()], [*want.values()])


def conv_relu_pool(output: str = "out") -> Graph:
    """Return a relu that is no output, behind a convolution, with parameters."""
    graph = Graph()
    x = graph.input("data", TensorType(DType.F32, (1, 2, 4, 4)))
    w = np.random.default_rng(0).standard_normal((3, 2, 1, 1)).astype(np.float32)
    conv = ops.Conv(stride=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1))
    y = graph.add(conv, x, graph.constant("w", w), name="conv", at=AT)
    z = graph.add(ops.Relu(), y, name="relu", at=AT)
    z.quant = STEP
    pool = ops.AvgPool(kernel=(2, 2), stride=(2, 2), padding=((0, 0), (0, 0)))
    graph.output(output, graph.add(pool, z, name="pool", at=AT))
    return graph


def test_a_split_relu_overwrites_nothing() -> None:
    for split in (False, True):
        options = Options(in_place=True, split_conv_relu=split)
        files, entries = export(conv_relu_pool(), options)
        (relu,) = [layer for layer in files.nets()[0].layer if layer.type == "ReLU"]
        assert (relu.bottom[0] != relu.top[0]) == split
        assert [*entries] == (["conv", "relu"] if split else ["conv"])


def test_two_parameters_of_one_number_are_two_blobs() -> None:
    graph = Graph()
    x = graph.input("data", TensorType(DType.F32, (1, 3)))
    x.quant = Quant(DType.U8, 0, 255, (0.5,), (128,))
    y = graph.add(ops.Identity(), x, name="again", at=AT)
    y.quant = STEP
    graph.output("sum", graph.add(ops.Add(), x, y, name="sum", at=AT))
    files, entries = export(graph)
    assert {name: entry["dtype"] for name, entry in entries.items()} == {
        "data": "uint8",
        "again": "int8",
    }
    (got,) = run_opencv(files, {"data": np.ones((1, 3), np.float32)}).values()
    np.testing.assert_array_equal(got, np.full((1, 3), 2, np.float32))


def channels(axis: int) -> Quant:
    return Quant(DType.I8, -127, 127, (0.5, 0.25, 0.125), axis=axis)


def weighed(kind: str) -> tuple[Graph, int]:
    """Return a layer with a scale per channel, and the axis of these in Caffe's blob."""
    graph = Graph()
    values = np.random.default_rng(0).standard_normal
    if kind == "matmul":
        x = graph.input("x", TensorType(DType.F32, (2, 4)))
        w, op, axis, after = values((4, 3)), ops.MatMul(), 1, 0
    elif kind == "conv1d":
        x = graph.input("x", TensorType(DType.F32, (1, 2, 9)))
        w, axis, after = values((3, 2, 3)), 0, 0
        op = ops.Conv(stride=(1,), padding=((0, 0),), dilation=(1,))
    else:  # zeros around the kernel
        x = graph.input("x", TensorType(DType.F32, (1, 2, 4, 4)))
        w, axis, after = values((2, 3, 3, 3)), 1, 1
        op = ops.ConvTranspose(
            stride=(2, 2), padding=((1, 0), (0, 1)), output_padding=(1, 0), dilation=(2, 1)
        )
    constant = graph.constant("w", w.astype(np.float32))
    constant.quant = channels(axis)
    graph.output("y", graph.add(op, x, constant, name="y", at=AT))
    return graph, after


@pytest.mark.parametrize("kind", ["matmul", "conv1d", "transposed"])
def test_the_axis_of_scales_is_that_of_the_blob(kind: str) -> None:
    graph, after = weighed(kind)
    files, entries = export(graph, param_fake_quant=True)
    ((name, entry),) = entries.items()
    assert (entry["axis"], entry["scale"]) == (after, [0.5, 0.25, 0.125])
    array = weights(files)[name]
    shape = [-1 if i == after else 1 for i in range(array.ndim)]
    steps = array / np.float32(entry["scale"]).reshape(shape)
    np.testing.assert_array_equal(steps, np.rint(steps))
    assert array.any()


def test_parameters_are_read_by_the_names_of_source_and_net() -> None:
    files, entries = export(conv_relu_pool(), Options(split_conv_relu=True))
    own = {"conv.weight": {**entries["relu"], "scale": 0.125, "is_weight": True}}
    again, read_back = export(conv_relu_pool(), params={**own, "data": entries["relu"]})
    assert [*read_back] == ["data", "conv.weight", "relu"]
    assert read_back["conv.weight"]["scale"] == 0.125
    assert weights(again)["conv.weight"].tobytes() == weights(files)["conv.weight"].tobytes()
    rounded, _ = export(conv_relu_pool(), params=own, param_fake_quant=True)
    steps = weights(rounded)["conv.weight"] / np.float32(0.125)
    np.testing.assert_array_equal(steps, np.rint(steps))


def test_unknown_parameters_are_refused_with_the_nearest_name() -> None:
    _, entries = export(conv_relu_pool())
    with pytest.raises(QuantError, match=r"no tensor 'conv\.weigt'") as raised:
        export(conv_relu_pool(), params={"conv.weigt": entries["relu"]})
    assert "'conv.weight'" in raised.value.hint


def test_a_blob_that_is_called_like_a_weight_is_refused() -> None:
    graph = conv_relu_pool("conv.weight")
    graph.outputs[0].value.quant = STEP
    next(iter(graph.constants())).quant = STEP
    with pytest.raises(QuantError, match=r"'conv\.weight'"):
        export(graph)

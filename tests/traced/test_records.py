"""The records of committed models, against what MegEngine said when they were made."""

import gc
import json
import tracemalloc
import weakref

import numpy as np
import pytest

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced import records as r
from mgeconvert.frontends.traced.read import parse, read
from mgeconvert.frontends.traced.stubs import Name
from tests.traced import pickles, seen
from tests.traced.pickles import DATA

pytestmark = pytest.mark.core

MODELS = ("float", "qat", "quantized")


@pytest.fixture(scope="module")
def model() -> r.TracedModel:
    return read(DATA / "float.tm")


def of_kind(graph: r.Graph, kind: type) -> list:
    return [expr for expr in graph.expressions if isinstance(expr, kind)]


@pytest.mark.parametrize("name", MODELS)
def test_holds_what_megengine_says(name):
    expected = json.loads((DATA / f"{name}.json").read_text())
    expected.pop("full_names")
    assert seen.view(read(DATA / f"{name}.tm")) == expected


@pytest.mark.parametrize("name", MODELS)
def test_written_anew_it_reads_the_same(name):
    again = parse(memoryview(pickles.changed(lambda top: None, name)))
    assert seen.view(again) == seen.view(read(DATA / f"{name}.tm"))


@pytest.mark.parametrize("name", MODELS)
def test_every_full_name_of_megengine_is_found(name):
    model = read(DATA / f"{name}.tm")
    names = json.loads((DATA / f"{name}.json").read_text())["full_names"]
    assert names
    for full in names:
        assert full in {f"{g.name}_{n.name}" for g in model.graphs() for n in model.find(full)}


def test_arguments_have_the_structure_of_the_call(model):
    graph = model.graph
    x, bias = graph.inputs
    assert (x.name, bias.name) == ("x", "extra_0")
    assert graph.args == (x, {"bias": bias})
    assert graph.kwargs == {"factor": 2.0}


def test_results_have_the_structure_that_forward_returns(model):
    logits, rest = model.graph.result["logits"], model.graph.result["rest"]
    assert (logits.name, logits.shape, logits.dtype) == ("fc_out", (2, 3), np.float32)
    assert [node.name for node in rest[1]] == ["detach_out", "mean_out"]
    assert model.graph.outputs == (logits, rest[0], *rest[1])


def test_constants_come_as_python_and_numpy_values(model):
    by_name = {e.outputs[0].name: e for e in of_kind(model.graph, r.CallMethod)}
    assert by_name["getitem_out"].args == ((slice(None), slice(1, 3), Ellipsis, None),)
    assert by_name["astype_out"].args == (np.dtype("float16"),)
    assert by_name["astype_out_1"].args == ("float32",)
    full = next(e for e in of_kind(model.graph, r.CallFunction) if e.function.name == "full")
    assert full.args[0] == (2, 4)
    assert type(full.args[1]) is np.float32
    assert full.kwargs == {"device": None, "dtype": np.dtype("float32")}
    new = by_name["new_out"]
    assert (new.object, new.method) == (Name("megengine.tensor", "Tensor"), "__new__")


def test_calls_of_one_module_share_it(model):
    calls = [e for e in of_kind(model.graph, r.CallModule) if e.module.path == "block"]
    first, second = calls
    assert first.module is second.module is model.module.get("block")
    assert first.graph is second.graph is first.module.graphs[0]
    assert [node.name for node in first.graph.inputs] == ["x", "y"]


def test_modules_have_paths_kinds_and_attributes(model):
    paths = [module.path for module in model.module.modules()]
    assert paths[0] == ""
    assert {"stem", "stem.0", "block", "block.conv", "parts.0", "fc"} <= set(paths)
    conv = model.module.get("block.conv")
    assert conv.kind == Name("megengine.module.conv", "Conv2d")
    assert (conv.attributes["kernel_size"], conv.attributes["bias"]) == ((1, 1), None)
    assert conv.graphs == ()
    assert conv.version == model.version == "1.13.0"
    assert model.module.get("gain").trainable
    with pytest.raises(KeyError):
        model.module.get("block.missing")


def test_tensors_are_views_of_the_file(model):
    for _, tensor in model.module.tensors():
        assert not tensor.data.flags.owndata
        assert not tensor.data.flags.writeable


def test_weights_take_no_memory(tmp_path):
    size = 8_000_000
    path = tmp_path / "large.tm"

    def grow(top):
        array = pickles.stubs(top, "_reconstruct")[0]
        array.state = (1, (size,), array.state[2], False, bytes(4 * size))

    path.write_bytes(pickles.changed(grow))
    tracemalloc.start()
    try:
        model = read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert max(tensor.data.size for _, tensor in model.module.tensors()) == size
    assert peak < 4_000_000


def test_records_go_when_nothing_uses_them():
    model = read(DATA / "float.tm")
    weight = model.module.get("block.conv.weight").data
    gone = weakref.ref(model.module)
    gc.collect()
    gc.disable()
    try:
        del model
        assert gone() is None, "the records must not refer to each other in circles"
    finally:
        gc.enable()
    assert weight.sum() == weight.sum()  # still mapped


def test_quantized_types_keep_their_scale():
    conv = read(DATA / "quantized.tm").module.get("conv")
    metadata = conv.attributes["weight"].data.dtype.metadata["mgb_dtype"]
    assert metadata["name"] == "QuantizedS8"
    assert metadata["scale"] > 0
    assert conv.attributes["bias"].data.dtype == np.float32


def test_qat_modules_keep_ranges_and_observers():
    model = read(DATA / "qat.tm")
    conv = model.module.get("conv")
    assert conv.kind == Name("megengine.module.qat.conv_bn", "ConvBnRelu2d")
    assert isinstance(conv.attributes["act_fake_quant"], r.Module)
    calls = {e.module.path: e for e in of_kind(model.graph, r.CallModule)}
    qparams = calls["conv"].outputs[0].qparams
    assert qparams.mode == "SYMMERTIC"
    assert (qparams.dtype.name, qparams.dtype.qmin, qparams.dtype.qmax) == ("qint8", -128, 127)
    assert qparams.scale > 0
    assert qparams.zero_point is None


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("mul_out", ["Float.[method_mul]"]),
        ("Float_block_relu_out", ["Float.block.[func_relu]"]),
        ("Float.block.bn.[out]", ["Float.block.bn.[out]"]),
        ("fc", ["Float.fc.[out]"]),
        ("block", ["Float.block.[out]"] * 2),
        ("gain", ["Float.gain"]),
        ("x", ["Float.[x]"]),
    ],
)
def test_values_are_found_by_every_kind_of_name(model, name, found):
    assert [node.qualname for node in model.find(name)] == found


def test_a_name_that_is_not_there_gets_a_suggestion(model):
    with pytest.raises(UnsupportedCase, match="did you mean 'mul_out"):
        model.find("mul_oud")


def test_records_are_short_in_a_message(model):
    assert len(repr(model)) < 200
    assert max(len(repr(expr)) for expr in model.graph.expressions) < 5000

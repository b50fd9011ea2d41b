"""Reading real dumps into records: what MegEngine put into them comes out."""

import mmap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mgeconvert.errors import UnreadableSource
from mgeconvert.frontends.mge.read import decode_file, map_file, read
from mgeconvert.frontends.mge.records import MgeDType

pytestmark = pytest.mark.core
DUMPS = Path(__file__).parent / "dumps"


def load(name):
    return read(DUMPS / f"{name}.mge")


def types(model):
    return [operator.type for operator in model.operators]


def find(model, kind, index=0):
    return [operator for operator in model.operators if operator.type == kind][index]


@pytest.mark.parametrize("path", sorted(DUMPS.glob("*.mge")), ids=lambda path: path.stem)
def test_every_dump_is_read_completely(path):
    model = read(path)
    made = [var for operator in model.operators for var in operator.outputs]
    assert made == sorted(set(made)) == [var.id for var in model.vars]
    assert model.mge_version == (1, 13, 0)
    for operator in model.operators:
        assert not operator.type.startswith("#")
        assert all(not param.table.startswith("#") for param in operator.extra)
    assert all(tensor.data is not None for tensor in model.constants().values())


@pytest.mark.parametrize("kind", ["v1", "v2", "v1-bare", "v2-bare", "v2-named"])
def test_both_formats_and_all_levels_of_names_hold_the_same_graph(kind):
    model, expected = load(f"residual.{kind}"), load("residual.v2")
    assert types(model) == types(expected)
    for ours, theirs in zip(model.operators, expected.operators):
        assert (ours.inputs, ours.outputs) == (theirs.inputs, theirs.outputs)
        assert (ours.param, ours.extra) == (theirs.param, theirs.extra)
        for mine, other in zip(ours.tensors, theirs.tensors):
            assert (mine.shape, mine.dtype) == (other.shape, other.dtype)
            np.testing.assert_array_equal(mine.data, other.data)


def test_parameters_have_names_defaults_and_enums():
    convolution = find(load("residual.v2"), "Convolution", 2)
    assert convolution.registered == "Convolution"
    assert convolution.version == 2
    assert convolution.params == {
        "mode": "CROSS_CORRELATION",
        "pad_h": 0,
        "pad_w": 0,
        "stride_h": 1,
        "stride_w": 1,
        "dilate_h": 1,
        "dilate_w": 1,
        "sparse": "GROUP",
        "format": "NCHW",
        "compute_mode": "DEFAULT",
    }
    (policy,) = convolution.extra
    assert policy.table == "ExecutionPolicy"
    assert policy.values == {"strategy": ("HEURISTIC",), "workspace_limit": 2**64 - 1}
    assert find(load("residual.v1"), "Convolution").registered == "ConvolutionV2"


def test_index_descriptors_are_tuples_of_dicts():
    items = find(load("index_mixed.v2"), "IndexingMultiAxisVec").params["items"]
    assert [item["axis"] for item in items] == [2, 1, 0]
    assert items[0] == {"axis": 2, "begin": True, "end": True, "step": False, "idx": False}


def test_variables_have_names_and_shapes_where_they_were_kept():
    model = load("residual.v2")
    convolution = find(model, "Convolution")
    assert model.vars[convolution.outputs[0]].shape == (1, 8, 8, 8)
    assert model.vars[convolution.inputs[1]].name == "first.0.weight"
    bare = load("residual.v2-bare")
    assert {(var.name, var.shape) for var in bare.vars} == {("", None)}
    assert {var.shape for var in load("residual.v1").vars} == {None}
    assert find(load("residual.v2-named"), "Convolution").name


def test_outputs_keep_their_order_and_names():
    model = load("several_outputs.v2-all")
    assert [output.name for output in model.outputs] == ["ADD", "RELU", "MUL", "Split:o1"]
    producers = model.producers()
    assert [producers[output.id].type for output in model.outputs] == (
        ["Elemwise", "Elemwise", "Elemwise", "Split"]
    )
    assert model.outputs[3].id == find(model, "Split").outputs[1]


def test_inputs_declare_name_shape_and_type():
    (declared,) = load("half.v2").inputs()
    assert declared.tensors[0].name == "x0"
    assert declared.tensors[0].shape == (2, 4, 6, 6)
    assert declared.tensors[0].data is None
    assert load("half.v2").constants()
    halves = {tensor.dtype.name for tensor in load("half.v2").constants().values()}
    assert halves == {"Float16"}


@pytest.mark.parametrize("kind", ["v1", "v2"])
def test_quantized_types_have_scale_and_zero_point(kind):
    model = load(f"quantized.{kind}")
    convolution = find(model, "ConvBiasForward")
    constants = model.constants()
    weight, bias = (constants[used] for used in convolution.inputs[1:])
    assert weight.dtype.name == "QuantizedS8"
    assert weight.data.dtype == np.int8
    assert weight.data.shape == (4, 4, 3, 3)
    assert bias.dtype.name == "QuantizedS32"
    assert bias.data.dtype == np.int32
    source = find(model, "TypeCvt").params["dtype"]
    assert bias.dtype.scale == pytest.approx(source.scale * weight.dtype.scale)
    assert convolution.output_dtype.name == "QuantizedS8"
    assert convolution.params["nonlineMode"] == "RELU"
    asymmetric = find(load("cast_quint8.v2"), "TypeCvt")
    assert asymmetric.params["dtype"] == MgeDType("Quantized8Asymm", np.float32(0.1), 128)
    assert find(load("cast_quint8.v2"), "TypeCvt", 1).params["dtype"] == MgeDType("Float32")


def test_fake_quantization_keeps_its_limits():
    assert find(load("qat.v2"), "FakeQuant").params == {"qmin": -128, "qmax": 127}


@pytest.mark.parametrize("kind", ["v1", "v2"])
def test_merged_constants_are_one_operator_with_several_outputs(kind):
    model = load(f"merged_constants.{kind}")
    holder = model.operators[0]
    assert holder.type == "MultipleDeviceTensorHolder"
    assert holder.outputs == (0, 1)
    constants = model.constants()
    np.testing.assert_array_equal(constants[0].data, np.full((1, 3), 3, np.float32))
    np.testing.assert_array_equal(constants[1].data, np.full((2, 3), 2, np.float32))


def test_a_device_layout_is_named():
    formats = {tensor.format for tensor in load("residual.v2-hwcd4").constants().values()}
    assert formats == {"Default", "Image2DPacked"}


@pytest.mark.parametrize(
    ("name", "kind", "count"),
    [
        ("topk", "TopK", 2),
        ("split_sections", "Split", 3),
        ("lstm", "LSTMForward", 4),
        ("nms", "NMSKeepMGB", 2),
    ],
)
def test_version_1_without_names_counts_the_outputs(name, kind, count):
    assert len(find(load(f"{name}.v1-bare"), kind).outputs) == count


@pytest.mark.parametrize("kind", ["v1", "v2"])
def test_samples_are_read_and_assertions_looked_through(kind):
    model = load(f"mul_add3.{kind}-sample")
    (sample,) = model.test_data
    assert {name: value.shape for name, value in sample.items()} == dict.fromkeys(
        ["ADD:expect", "x0", "x1", "x2"], (3, 4)
    )
    expected = sample["x0"] * sample["x1"] + sample["x2"]
    np.testing.assert_allclose(sample["ADD:expect"], expected, rtol=1e-5, atol=1e-6)
    (output,) = model.outputs
    assert output.name == "ADD"
    assert model.producers()[output.id].params["mode"] == "FUSE_MUL_ADD3"
    assert [operator.tensors[0].name for operator in model.inputs()] == ["x0", "x1", "x2"]


@pytest.mark.parametrize("kind", ["v1", "v2"])
def test_metadata_is_kept_as_bytes(kind):
    metadata = load(f"residual.{kind}").metadata
    assert metadata.user_info.tobytes() == b"\x80\x04N."
    assert metadata.optimize_options == 64
    assert not metadata.graph_modified
    assert load(f"residual.{kind}-bare").metadata is None


@pytest.mark.parametrize("kind", ["v1", "v2"])
def test_constants_are_views_on_the_mapped_file(kind):
    path = DUMPS / f"residual.{kind}.mge"
    data = map_file(path)
    for tensor in decode_file(data).constants().values():
        assert not tensor.data.flags.writeable
        assert np.shares_memory(tensor.data, data)
    owner = data
    while isinstance(owner, np.ndarray | memoryview):
        owner = owner.base if isinstance(owner, np.ndarray) else owner.obj
    assert isinstance(owner, mmap.mmap)


def test_the_older_head_of_version_1_is_read():
    """No writer of the older head is left: it is today's without the feature bits."""
    data = (DUMPS / "residual.v1.mge").read_bytes()
    older = np.frombuffer(b"MGBS" + data[12:], np.uint8)
    ours, expected = decode_file(older), load("residual.v1")
    for mine, other in zip(ours.operators, expected.operators):
        assert replace(mine, tensors=()) == replace(other, tensors=())
    for mine, other in zip(ours.constants().values(), expected.constants().values()):
        np.testing.assert_array_equal(mine.data, other.data)


def test_a_graph_that_was_appended_is_left_alone():
    data = (DUMPS / "half.v2.mge").read_bytes()
    model = decode_file(np.frombuffer(data + data, np.uint8))
    assert types(model) == types(load("half.v2"))


@pytest.mark.parametrize("content", [b"", b"x", b"\x80\x04\x95", bytes(100), b"ONNX" * 8])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "model.mge"
    path.write_bytes(content)
    with pytest.raises(UnreadableSource, match=r"not a \.mge file") as caught:
        read(path)
    assert caught.value.at.path == str(path)


def test_a_missing_file_is_an_error_of_ours(tmp_path):
    with pytest.raises(UnreadableSource, match="No such file"):
        read(tmp_path / "model.mge")

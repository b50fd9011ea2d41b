"""The files themselves: names, outputs, weights, comments, memory."""

from __future__ import annotations

import numpy as np
import pytest

from mgeconvert.backends.caffe import schema
from mgeconvert.backends.caffe.dialects import DIALECTS, VENDOR_ADDS, WITHOUT
from mgeconvert.backends.caffe.writer import PARAMETERS
from mgeconvert.errors import InternalError, Location, UnsupportedCase
from mgeconvert.ir import DType, Graph, TensorType, ops
from tests.caffe_backend.running import Options, export, run_opencv, run_reader

AT = Location("test")


def two_convolutions() -> tuple[Graph, np.ndarray]:
    """Return a graph with two outputs, one of which is read by what makes the other."""
    graph = Graph()
    x = graph.input("data", TensorType(DType.F32, (1, 2, 4, 4)))
    w = np.random.default_rng(0).standard_normal((3, 2, 1, 1)).astype(np.float32)
    conv = ops.Conv(stride=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1))
    y = graph.add(conv, x, graph.constant("w", w), name="backbone.conv", at=AT)
    z = graph.add(ops.Relu(), y, name="backbone.relu", at=AT)
    graph.output("features", z)
    graph.output("raw", y)
    graph.output("again", z)
    graph.output("same", x)
    return graph, w


def test_outputs_are_in_the_order_of_the_source_and_read_by_no_layer() -> None:
    files = export(two_convolutions()[0])
    text, _ = files.nets()
    read = {name for layer in text.layer for name in layer.bottom}
    tops = [name for layer in text.layer for name in layer.top]
    assert [name for name in tops if name not in read] == ["features", "raw", "again", "same"]
    assert "backbone.conv" in tops
    feeds = {"data": np.random.default_rng(1).standard_normal((1, 2, 4, 4)).astype(np.float32)}
    for run in (run_reader, run_opencv):
        got = run(files, feeds)
        assert [*got] == ["features", "raw", "again", "same"]
        np.testing.assert_array_equal(got["features"], np.maximum(got["raw"], 0))
        np.testing.assert_array_equal(got["same"], feeds["data"])


def test_layers_in_place_take_no_name_of_an_output() -> None:
    graph = Graph()
    x = graph.input("x", TensorType(DType.F32, (1, 3)))
    y = graph.add(ops.Sigmoid(), x, name="y", at=AT)
    y = graph.add(ops.Relu(), y, name="other", at=AT)
    graph.output("y_1", graph.add(ops.Tanh(), y, name="y_1", at=AT))
    files = export(graph, Options(in_place=True))
    text, _ = files.nets()
    assert [[layer.name, *layer.top] for layer in text.layer] == [
        ["x", "x"],
        ["y", "y"],
        ["other", "y"],
        ["y_1", "y_1"],
    ]
    assert [*run_opencv(files, {"x": np.ones((1, 3), np.float32)})] == ["y_1"]


def test_an_output_with_the_name_of_an_input_is_refused() -> None:
    graph = Graph()
    x = graph.input("x", TensorType(DType.F32, (1, 3)))
    graph.output("y", graph.add(ops.Relu(), x, name="y", at=AT))
    graph.output("x", x)
    with pytest.raises(UnsupportedCase, match="the output 'x' has the name of an input"):
        export(graph)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_parts_that_nobody_reads_are_no_outputs(dialect: str) -> None:
    graph = Graph()
    x = graph.input("x", TensorType(DType.F32, (1, 6, 3, 4)))
    op = ops.Split(axis=1, sizes=(1, 2, 3))
    _, part, _ = graph.add_multi(op, x, names=("a", "b", "c"), at=AT)
    graph.output("y", graph.add(ops.Relu(), part, name="y", at=AT))
    files = export(graph, Options(dialect))
    feeds = {"x": np.random.default_rng(0).standard_normal((1, 6, 3, 4)).astype(np.float32)}
    want = np.maximum(feeds["x"][:, 1:3], 0)
    for run in (run_reader, run_opencv):
        ((name, got),) = run(files, feeds).items()
        assert name == "y"
        np.testing.assert_allclose(got, want, rtol=1e-6)


def test_weights_are_the_bytes_of_the_source() -> None:
    graph, w = two_convolutions()
    _, binary = export(graph).nets()
    (blob,) = [b for layer in binary.layer for b in layer.blobs]
    assert (tuple(blob.shape.dim), np.array(blob.data, np.float32).tobytes()) == (
        w.shape,
        w.tobytes(),
    )


def test_empty_blobs_have_shapes_only() -> None:
    _, binary = export(two_convolutions()[0], Options(use_empty_blobs=True)).nets()
    (blob,) = [b for layer in binary.layer for b in layer.blobs]
    assert tuple(blob.shape.dim) == (3, 2, 1, 1)
    assert not blob.data


def test_files_are_equal_each_time_and_carry_comments() -> None:
    files = export(two_convolutions()[0])
    assert files == export(two_convolutions()[0])
    assert files.text.startswith(b"# license: none\n")


def test_an_input_that_nobody_reads_is_silenced() -> None:
    graph, _ = two_convolutions()
    graph.input("unused", TensorType(DType.F32, (1, 3)))
    text, _ = export(graph).nets()
    assert [[*layer.bottom] for layer in text.layer if layer.type == "Silence"] == [["unused"]]


def test_parameters_of_every_layer_are_in_the_schema() -> None:
    fields = schema.message("LayerParameter").DESCRIPTOR.fields_by_name
    assert {*PARAMETERS.values()} <= {*fields}


def test_a_schema_line_that_is_not_understood_is_a_fault() -> None:
    with pytest.raises(InternalError, match="oneof"):
        schema.parse("message A {\n  oneof b {\n")


def test_dialects_name_known_layers_and_give_reasons() -> None:
    known = DIALECTS["bvlc"].abilities | DIALECTS["opencv"].abilities
    layers = {*PARAMETERS, "AbsVal", "BNLL", "Exp", "Log", "MatMul", "ReLU6", "Sigmoid"}
    layers |= {"Silence", "TanH"}
    assert {ability for ability in known if " " not in ability} == layers
    for table in (*WITHOUT.values(), *VENDOR_ADDS.values()):
        assert {*table} <= known
        assert all(table.values())

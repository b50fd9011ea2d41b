"""The container: where weights are, names and shapes of ports, end points, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnx.external_data_helper import convert_model_to_external_data

from mgeconvert import frontends
from mgeconvert.errors import (
    ConversionFailed,
    ConvertError,
    UnreadableSource,
    UnsupportedCase,
    UnsupportedOp,
)
from mgeconvert.frontends.onnx import read_graph
from mgeconvert.frontends.onnx.tensors import ELEMENT_TYPES
from mgeconvert.ir import Array, Graph, evaluate, ops
from mgeconvert.ir.dims import dim
from tests.onnx_frontend.building import model, node, read, run

W = np.arange(12, dtype=np.float32).reshape(3, 4)
ADD = [node("Add", ["x", "w"], ["y"])]


def add(**changes: object) -> ModelProto:
    return model(ADD, {"x": [3, 4]}, ["y"], constants={"w": W}, **changes)


def save(made: ModelProto, path: Path) -> Path:
    path.write_bytes(made.SerializeToString())
    return path


def problems(made: ModelProto) -> list[ConvertError]:
    with pytest.raises(ConversionFailed) as raised:
        read(made)
    return list(raised.value.problems)


def mapped(array: Array) -> bool:
    """Whether an array is a view, in the end, of bytes that are not its own."""
    owner: object = array
    while isinstance(owner, np.ndarray):
        if owner.flags.owndata:
            return False
        owner = owner.base
    return True


def weights(graph: Graph) -> Array:
    (value,) = graph.constants()
    assert value.const is not None
    return value.const


def test_detected_by_content(tmp_path: Path) -> None:
    path = save(add(), tmp_path / "model.bin")
    assert frontends.detect(path) == "onnx"
    assert [p.name for p in frontends.read(path, shapes={}, outputs=()).outputs] == ["y"]


def test_raw_data_are_views_of_the_file(tmp_path: Path) -> None:
    graph = read_graph(save(add(), tmp_path / "m.onnx"), shapes={}, outputs=())
    assert mapped(weights(graph))
    np.testing.assert_array_equal(weights(graph), W)


@pytest.mark.parametrize("kind", ELEMENT_TYPES)
@pytest.mark.parametrize("raw", [False, True])
def test_element_types(kind: int, raw: bool) -> None:
    numpy = ELEMENT_TYPES[kind].numpy
    want = (
        np.array([0, 1, 1, 0], numpy)
        if kind == TensorProto.BOOL
        else np.array([0, 1, 2, 100], numpy)
    )
    data = want.tobytes() if raw else want.tolist()
    made = model([node("Identity", ["w"], ["y"])], {}, ["y"])
    made.graph.initializer.append(helper.make_tensor("w", kind, [4], data, raw=raw))
    (got,) = run(made)
    assert got.dtype == numpy
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("kind", [TensorProto.BFLOAT16, TensorProto.FLOAT8E4M3FN])
def test_element_types_that_are_refused(kind: int) -> None:
    made = model([node("Identity", ["w"], ["y"])], {}, ["y"])
    made.graph.initializer.append(helper.make_tensor("w", kind, [1], [1.0]))
    (problem,) = problems(made)
    assert "element type" in problem.problem
    assert problem.at is not None
    assert problem.at.name == "w"


def test_data_have_to_fit_the_shape() -> None:
    made = add()
    made.graph.initializer[0].dims[0] = 4
    (problem,) = problems(made)
    assert isinstance(problem, UnreadableSource)
    assert "48 bytes" in problem.problem


def external(folder: Path, **changes: str) -> Path:
    """Write a model with its weights in a file beside it, and change where it says they are."""
    made = add()
    convert_model_to_external_data(made, location="m.data", size_threshold=0)
    save_data = np.concatenate([np.zeros(4, np.float32), W.reshape(-1)])
    (folder / "m.data").write_bytes(save_data.tobytes())
    (tensor,) = made.graph.initializer
    told = {"location": "m.data", "offset": "16", "length": "48", **changes}
    del tensor.external_data[:]
    for key, value in told.items():
        tensor.external_data.add(key=key, value=value)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    return save(made, folder / "m.onnx")


def test_external_data(tmp_path: Path) -> None:
    graph = read_graph(external(tmp_path), shapes={}, outputs=())
    np.testing.assert_array_equal(weights(graph), W)
    assert mapped(weights(graph))


@pytest.mark.parametrize(
    "changes",
    [
        {"location": "/etc/passwd"},
        {"location": "../m.data"},
        {"location": "missing.data"},
        {"location": ""},
        {"location": "link.data"},
        {"offset": "32"},
        {"offset": "-16"},
        {"length": "44"},
        {"length": "9" * 30},
        {"offset": "eight"},
    ],
    ids=str,
)
def test_external_data_stay_in_their_place(tmp_path: Path, changes: dict[str, str]) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(bytes(64))
    (folder / "link.data").symlink_to(tmp_path / "secret")
    with pytest.raises(ConversionFailed) as raised:
        read_graph(external(folder, **changes), shapes={}, outputs=())
    (problem,) = raised.value.problems
    assert isinstance(problem, UnreadableSource)


def test_initializers_among_the_inputs_are_no_inputs() -> None:
    made = add()
    made.ir_version = 3
    made.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, [3, 4]))
    assert [p.name for p in read(made).inputs] == ["x"]


def test_several_outputs_and_those_that_are_inputs_or_weights() -> None:
    made = model(
        [node("TopK", ["x", "k"], ["best", "places"])],
        {"x": [2, 5]},
        ["places", "best", "x", "k"],
        constants={"k": np.array([2])},
    )
    graph = read(made)
    x = np.array([[1, 5, 2, 4, 3], [5, 4, 3, 2, 1]], np.float32)
    got = evaluate(graph, {"x": x})
    assert list(got) == ["places", "best", "x", "k"]
    np.testing.assert_array_equal(got["places"], [[1, 3], [0, 1]])
    np.testing.assert_array_equal(got["k"], [2])


@pytest.mark.parametrize(
    ("texts", "dims"),
    [
        (["N", 3], ("N", 3)),
        (["N", "4*N"], ("N", "4*N")),
        (["N", "4*M"], ("N", "size_4_M")),
        (["batch size", "batch size"], ("batch_size", "batch_size")),
        (["a-b", "a b"], ("a_b", "a_b_1")),
        (["class", "?"], ("size_class", "size")),
        (["N", "floor(N/2)"], ("N", "floor_N_2")),
        ([None, None], ("x_0", "x_1")),
        (["x_1", None], ("x_1", "x_1_1")),
        (["4", "1" * 500], ("size_4", "size_" + "1" * 200)),
    ],
    ids=str,
)
def test_names_of_sizes(texts: list[int | str | None], dims: tuple[int | str, ...]) -> None:
    graph = read(model([node("Relu", ["x"], ["y"])], {"x": texts}, ["y"]))
    shape = graph.inputs[0].value.type.shape
    assert tuple(d if isinstance(d, int) else str(d) for d in shape) == dims


def test_symbols_survive_arithmetic_on_shapes() -> None:
    """As exporters flatten: take the batch from the shape, and join it with -1."""
    made = model(
        [
            node("Shape", ["x"], ["shape"]),
            node("Gather", ["shape", "zero"], ["n"], axis=0),
            node("Mul", ["n", "two"], ["twice"]),
            node("Unsqueeze", ["twice", "axes"], ["row"]),
            node("Concat", ["row", "rest"], ["target"], axis=0),
            node("Reshape", ["x", "target"], ["y"]),
        ],
        {"x": ["N", 4, 6]},
        ["y"],
        constants={
            "zero": np.array(0),
            "two": np.array(2),
            "axes": np.array([0]),
            "rest": np.array([-1]),
        },
    )
    graph = read(made)
    assert graph.outputs[0].value.type.shape == (dim("2*N"), 12)
    assert [type(n.op) for n in graph] == [ops.Reshape]
    (fixed,) = read(made, x=(3, 4, 6)).outputs
    assert fixed.value.type.shape == (6, 12)


def test_shapes_from_the_manifest() -> None:
    graph = read(add(), x=("N", 4))
    assert str(graph.inputs[0].value.type) == "float32[N, 4]"
    with pytest.raises(UnsupportedCase, match="no input 'z'"):
        read(add(), z=(1,))
    with pytest.raises(UnsupportedCase, match="2 axes"):
        read(add(), x=(1,))


def test_an_input_without_a_shape() -> None:
    made = add()
    made.graph.input[0].type.tensor_type.ClearField("shape")
    with pytest.raises(UnsupportedCase, match="has no shape"):
        read(made)
    assert read(made, x=(3, 4)).inputs[0].value.type.static == (3, 4)


def test_end_points(tmp_path: Path) -> None:
    made = model(
        [node("Relu", ["x"], ["middle"]), node("Det", ["middle"], ["y"])], {"x": [2]}, ["y"]
    )
    path = save(made, tmp_path / "m.onnx")
    graph = read_graph(path, shapes={}, outputs=["middle"])
    assert [p.name for p in graph.outputs] == ["middle"]
    with pytest.raises(UnsupportedCase, match="no tensor 'midle'") as raised:
        read_graph(path, shapes={}, outputs=["midle"])
    assert "'middle'" in raised.value.hint


def test_all_problems_at_once() -> None:
    made = model(
        [
            node("Det", ["x"], ["a"], name="first"),
            node("MaxPool", ["x"], ["b"], kernel_shape=[2, 2], dilations=[2, 2]),
            node("Foo", ["a"], ["c"]),
            node("Relu", ["c"], ["d"]),
            node("Fancy", ["x"], ["e"], domain="com.example"),
        ],
        {"x": [1, 1, 4, 4]},
        ["b", "d", "e"],
    )
    found = problems(made)
    assert [type(p) for p in found] == [
        UnsupportedOp,
        UnsupportedCase,
        UnsupportedOp,
        UnsupportedOp,
    ]
    assert [(p.at.op, p.at.name) for p in found if p.at] == [
        ("Det", "first"),
        ("MaxPool", "b"),
        ("Foo", "c"),
        ("Fancy", "e"),
    ]
    assert "com.example" in found[-1].problem


def test_functions_of_the_model_are_refused() -> None:
    made = model([node("Twice", ["x"], ["y"], domain="own")], {"x": [2]}, ["y"])
    made.opset_import.append(helper.make_opsetid("own", 1))
    made.functions.append(
        helper.make_function(
            "own", "Twice", ["a"], ["b"], [node("Add", ["a", "a"], ["b"])], made.opset_import
        )
    )
    (problem,) = problems(made)
    assert "function of the model" in problem.problem


def test_control_flow_is_refused_by_name() -> None:
    made = model(
        [node("If", ["c"], ["y"], then_branch=add().graph, else_branch=add().graph)],
        {"c": []},
        ["y"],
        types={"c": TensorProto.BOOL},
    )
    (problem,) = problems(made)
    assert "control flow" in problem.problem


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.graph.node[0].input.append("w"), "3 inputs"),
        (lambda m: m.graph.node[0].input.__setitem__(0, ""), "left out"),
        (lambda m: m.graph.node[0].input.__setitem__(0, "q"), "nothing before it makes"),
        (lambda m: m.graph.node.append(m.graph.node[0]), "made twice"),
        (lambda m: m.graph.output.append(m.graph.output[0]), "share a name"),
        (lambda m: m.ClearField("opset_import"), "opset"),
        (lambda m: m.graph.initializer.append(m.graph.initializer[0]), "share a name"),
    ],
)
def test_broken_graphs(change: object, message: str) -> None:
    made = add()
    change(made)  # type: ignore[operator]
    with pytest.raises(UnreadableSource, match=message):
        read(made)


def test_unknown_opsets() -> None:
    with pytest.raises(UnsupportedCase, match="opset 99"):
        read(add(opset=99))


def test_attributes_of_another_type() -> None:
    made = model([node("Softmax", ["x"], ["y"], axis=1.5)], {"x": [2, 3]}, ["y"])
    with pytest.raises(UnreadableSource, match="'axis' is of another type"):
        read(made)


@pytest.mark.parametrize(
    "value",
    [
        {"value": numpy_helper.from_array(np.array([1.5, 2.5], np.float32))},
        {"value_floats": [1.5, 2.5]},
    ],
    ids=["value", "value_floats"],
)
def test_constant_nodes(value: dict[str, object]) -> None:
    made = model([node("Constant", [], ["y"], **value)], {}, ["y"])
    np.testing.assert_array_equal(run(made)[0], np.array([1.5, 2.5], np.float32))

"""The bytes of `.tflite` files: alignment, offsets, metadata, and that they are always the same."""

from __future__ import annotations

import json

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from mgeconvert.backends.tflite import writer
from mgeconvert.errors import ConversionFailed, Location
from mgeconvert.ir import DType, Graph, TensorType, ops
from tests.tflite_backend.running import Options, export, run, structure

AT = Location("test")


def network(*, batch: int | str = 2, sizes: tuple[int, ...] = (5, 3, 7)) -> Graph:
    """Linear layers with weights of odd sizes, so that their data end anywhere."""
    graph = Graph()
    random = np.random.default_rng(0)
    from mgeconvert.ir.dims import dim

    value = graph.input("x", TensorType(DType.F32, (dim(batch), 4)))
    width = 4
    for i, size in enumerate(sizes):
        w = graph.constant(f"w{i}", random.standard_normal((size, width)).astype(np.float32))
        b = graph.constant(f"b{i}", random.standard_normal(size).astype(np.float32))
        value = graph.add(ops.Linear(), value, w, b, name=f"y{i}", at=AT)
        width = size
    graph.output("y", value)
    return graph


def vectors(model: bytes) -> list[tuple[int, int]]:
    """Return where the data of each buffer are, by the FlatBuffer's own offsets."""
    root = schema.Model.GetRootAs(model)
    found = []
    for i in range(root.BuffersLength()):
        buffer = root.Buffers(i)
        if buffer.DataLength():
            found.append((buffer._tab.Vector(buffer._tab.Offset(4)), buffer.DataLength()))
    return found


@pytest.mark.parametrize("sizes", [(1,), (2,), (3,), (5, 3, 7), (1, 1, 1, 1)], ids=str)
def test_data_begin_at_multiples_of_16(sizes: tuple[int, ...]) -> None:
    model = export(network(sizes=sizes))
    places = vectors(model)
    assert len(places) == 2 * len(sizes) + 2  # weights, biases, two metadata
    assert all(start % 16 == 0 for start, _ in places)
    ends = [0] + [start + size for start, size in places]
    assert all(start >= end for (start, _), end in zip(places, ends))
    assert ends[-1] == len(model)


def test_data_above_the_limit_stand_behind_the_flatbuffer(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = network()
    want = run(export(network()), {"x": np.ones((2, 4), np.float32)})["y"]
    monkeypatch.setattr(writer, "INLINE_LIMIT", 100)
    model = export(graph)
    buffers = [b for b in structure(model).buffers if b.offset > 1]
    assert len(buffers) == 6
    assert all(b.offset % 16 == 0 and b.data is None for b in buffers)
    assert max(b.offset + b.size for b in buffers) == len(model)
    np.testing.assert_array_equal(run(model, {"x": np.ones((2, 4), np.float32)})["y"], want)


def test_the_structure() -> None:
    model = structure(export(network(batch="N"), Options(graph_name="net")))
    (graph,) = model.subgraphs
    assert (model.version, graph.name) == (3, b"net")
    assert model.buffers[0].data is None
    x = graph.tensors[graph.inputs[0]]
    assert (x.name, [*x.shape], [*x.shapeSignature], x.hasRank) == (b"x", [1, 4], [-1, 4], True)
    (code,) = model.operatorCodes
    assert code.builtinCode == code.deprecatedBuiltinCode == schema.BuiltinOperator.FULLY_CONNECTED
    (signature,) = model.signatureDefs
    assert signature.signatureKey == b"serving_default"
    assert [m.name for m in signature.outputs] == [b"y"]


def test_operators_above_127_have_both_codes() -> None:
    graph = Graph()
    x = graph.input("x", TensorType(DType.F32, (2, 3)))
    graph.output("y", graph.add(ops.Sign(), x, name="y", at=AT))
    (code,) = structure(export(graph)).operatorCodes
    assert (code.builtinCode, code.deprecatedBuiltinCode) == (schema.BuiltinOperator.SIGN, 127)


def test_metadata() -> None:
    model = structure(export(network()))
    found = {m.name: bytes(model.buffers[m.buffer].data) for m in model.metadata}
    assert found[b"min_runtime_version"] == b"1.5.0".ljust(16, b"\0")
    facts = json.loads(found[b"mgeconvert"])
    assert facts == {"license": "none", "mgeconvert.layouts": {}}


def test_a_signature_runs() -> None:
    model = export(network())
    runner = Interpreter(model_content=model).get_signature_runner("serving_default")
    x = np.ones((2, 4), np.float32)
    np.testing.assert_allclose(runner(x=x)["y"], run(model, {"x": x})["y"], rtol=1e-5)


def test_equal_input_gives_equal_bytes() -> None:
    assert export(network()) == export(network())


def test_an_output_that_is_an_input_or_has_two_names() -> None:
    graph = Graph()
    x = graph.input("x", TensorType(DType.F32, (2, 3)))
    y = graph.add(ops.Relu(), x, name="r", at=AT)
    for name, value in (("a", y), ("b", y), ("c", x)):
        graph.output(name, value)
    graph.output("d", graph.constant("k", np.float32(4)))
    data = np.array([[-1, 0, 2], [3, -4, 5]], np.float32)
    got = run(export(graph), {"x": data})
    assert [*got] == ["a", "b", "c", "d"]
    np.testing.assert_array_equal(got["a"], np.maximum(data, 0))
    np.testing.assert_array_equal(got["b"], got["a"])
    np.testing.assert_array_equal(got["c"], data)
    assert got["d"] == 4


def test_a_runtime_that_is_too_old_is_told() -> None:
    graph = Graph()
    x = graph.input("x", TensorType(DType.F32, (2, 3)))
    graph.output("y", graph.add(ops.Gelu(), x, name="y", at=AT))
    with pytest.raises(ConversionFailed) as failed:
        export(graph, Options(max_runtime="2.5.0"))
    (problem,) = failed.value.problems
    assert "GELU version 1 needs the runtime 2.9.0" in problem.problem
    assert "max_runtime" in problem.hint
    assert export(network(), Options(max_runtime="1.5.0"))

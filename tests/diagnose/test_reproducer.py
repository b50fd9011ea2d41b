"""Reproducers: the smallest piece that shows the difference, and what running it again says."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest

from mgeconvert.backends.onnx import backend
from mgeconvert.backends.onnx.quantized import QuantizedPair
from mgeconvert.backends.onnx.rules import RULES as ONNX
from mgeconvert.backends.tflite.dialect import TflMaxPool
from mgeconvert.backends.tflite.rules import RULES as TFLITE
from mgeconvert.diagnose.cut import pieces
from mgeconvert.diagnose.reproducer import ALONE, replay
from mgeconvert.errors import UnreadableSource
from mgeconvert.frontends.traced.rules import RULES as TRACED
from mgeconvert.ir import Graph, ops
from mgeconvert.ir.passes import graph_pass
from mgeconvert.ir.text import parse, show
from tests.diagnose.diagnosing import DIGITS, diagnosed, job, make_wrong
from tests.diagnose.test_backend import negated
from tests.diagnose.test_frontend import shifted
from tests.diagnose.test_quantized import example

pytestmark = pytest.mark.slow


@pytest.fixture
def saved(session, tmp_path):
    """Diagnose the digits and write the reproducer; returns its folder and the diagnosis."""

    def save():
        work, folder = tmp_path / "work", tmp_path / "saved"
        work.mkdir()
        folder.mkdir()
        found, files = diagnosed(job(DIGITS), session, work, wanted=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        return folder, found

    return save


@pytest.fixture
def again(session, tmp_path):
    def run(folder):
        work = tmp_path / f"again-{len(list(tmp_path.iterdir()))}"
        work.mkdir()
        return replay(folder, runner=session.runner, folder=work, seconds=60, memory=0)

    return run


def lines_of(folder, kind):
    text = (folder / "graph.txt").read_text().splitlines()
    return [line for line in text if line.startswith(kind)]


def test_a_wrong_rule_of_a_backend_is_one_operator(saved, again, monkeypatch):
    with monkeypatch.context() as patch:
        make_wrong(patch, ONNX, ops.MaxPool, negated)
        folder, found = saved()
        assert len(lines_of(folder, "%")) == 1
        assert " = MaxPool(" in lines_of(folder, "%")[0]
        found_again = again(folder)
        assert found_again.first.stage == "backend"
        assert found_again.first.first.op.startswith("MaxPool(")
        assert not found.notes
    assert again(folder).first is None
    assert again(folder).finished


def test_a_wrong_rule_of_a_frontend_keeps_what_the_source_computes(saved, again, monkeypatch):
    with monkeypatch.context() as patch:
        make_wrong(patch, TRACED, "module:MaxPool2d", shifted)
        folder, _ = saved()
    assert [line.partition(" = ")[2].partition("(")[0] for line in lines_of(folder, "%")] == [
        "MaxPool",
        "Add",
    ]
    found = again(folder)
    assert found.first.stage == "frontend"
    assert found.first.first.comparison.max_abs == pytest.approx(0.1, rel=1e-2)
    with np.load(folder / "expected.npz") as stored:
        assert stored["0"].shape == (2, 48, 2, 2)
    diagnosis = json.loads((folder / "diagnosis.json").read_text())
    assert diagnosis["sections"][0]["first"]["origin"]["path"] == "pool"


@graph_pass()
def lose_relu_after_add(graph: Graph) -> bool:
    """Rewrite relu(a + b) to a + b."""
    for node in graph:
        before = node.inputs[0].producer
        if before and isinstance(node.op, ops.Relu) and isinstance(before.op, ops.Add):
            graph.replace_node(node, node.inputs[0])
    return True


def test_a_wrong_pass_keeps_as_much_as_its_pattern_needs(saved, again, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(backend, "PIPELINE", (lose_relu_after_add, *backend.PIPELINE))
        folder, _ = saved()
        operators = [line.partition(" = ")[2].partition("(")[0] for line in lines_of(folder, "%")]
        assert len(operators) < 6
        assert operators[-1] == "Conv"
        assert "Add" in operators
        assert again(folder).first.culprit == "lose_relu_after_add"
    assert again(folder).first is None


def test_nothing_is_saved_where_nothing_differs(saved):
    folder, found = saved()
    assert found.first is None
    assert not list(folder.iterdir())


def test_a_folder_without_a_reproducer_is_refused(again, tmp_path):
    with pytest.raises(UnreadableSource, match="no reproducer"):
        again(tmp_path)
    (tmp_path / "settings.json").write_text("{}")
    (tmp_path / "graph.txt").write_text("")
    with pytest.raises(UnreadableSource, match="no reproducer"):
        again(tmp_path)


TEXT = """
input x = %x: float32[N, 4]
%a: float32[N, 4] = Relu()(%x)
%b: float32[N, 4] = Neg()(%a)
%c: float32[4*N] = Reshape(shape=({4*N},))(%b)
%d: float32[4*N] = Exp()(%c)
%e: float32[4*N] = Add()(%c, %d)
output out = %e
"""


def test_pieces_grow_from_the_operator_to_the_inputs_with_fixed_sizes():
    graph, feeds = parse(TEXT), {"x": np.ones((3, 4), np.float32)}
    value = graph.outputs[0].value
    made = list(pieces(graph, value, feeds))
    assert [piece.nodes for piece in made] == [1, 2, 4, 5]
    first = parse(made[0].text, made[0].constants)
    assert [str(port.value.type) for port in first.inputs] == ["float32[12]", "float32[12]"]
    assert [port.name for port in first.inputs] == ["c", "d"]
    assert "shape=(12,)" in made[2].text
    assert show(parse(made[-1].text)).startswith("input x = %x: float32[3, 4]\n")


def test_the_first_piece_ends_at_what_is_known_to_be_good():
    graph, feeds = parse(TEXT), {"x": np.ones((3, 4), np.float32)}
    values = {v.name: v for node in graph for v in node.outputs}
    first = next(pieces(graph, values["e"], feeds, good=frozenset([values["a"]])))
    assert first.nodes == 4
    assert list(first.inputs) == ["a"]


def test_a_quantized_graph_is_saved_to_be_read(session, tmp_path, monkeypatch):
    """In a quantized graph each value is rounded by an operator that only the backend has."""
    make_wrong(monkeypatch, ONNX, QuantizedPair, negated)
    found, files = diagnosed(example("digits-qat:onnx-int8-13"), session, tmp_path, wanted=True)
    assert found.first.stage == "backend"
    assert found.first.first.op.startswith("QuantizedPair(")
    assert found.notes == (ALONE,)  # a lowered graph that is quantized cannot be lowered again
    with np.load(io.BytesIO(files["constants.npz"])) as arrays:
        names, *data = (arrays[key] for key in arrays.files)
    graph = parse(files["graph.txt"].decode(), dict(zip(json.loads(bytes(names)), data)))
    assert any(isinstance(node.op, QuantizedPair) for node in graph)


def test_a_wrong_rule_for_tflite_is_found_in_its_own_layout(session, tmp_path, monkeypatch):
    def average(rule):
        def wrong(e, node):
            rule(e, node)
            e.operators[-1] = replace(e.operators[-1], code="AVERAGE_POOL_2D")

        return wrong

    make_wrong(monkeypatch, TFLITE, TflMaxPool, average)
    found, _ = diagnosed(job(DIGITS, "tflite"), session, tmp_path, wanted=True)
    assert found.first.stage == "backend"
    assert found.first.got == "LiteRT"
    assert found.first.first.op.startswith("TflMaxPool(")
    assert found.first.first.origin.path == "pool"
    assert found.first.first.comparison.want_shape == (2, 2, 2, 48)


def test_a_damaged_reproducer_is_refused(saved, again, monkeypatch):
    with monkeypatch.context() as patch:
        make_wrong(patch, ONNX, ops.MaxPool, negated)
        folder, _ = saved()
    (folder / "inputs.npz").write_bytes((folder / "inputs.npz").read_bytes()[:50])
    with pytest.raises(UnreadableSource, match="no reproducer"):
        again(folder)

"""onnxoptimizer and onnx-simplifier: nothing public changes, nothing grows, nothing is skipped."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import ModelProto

from mgeconvert.backends import Request, load
from mgeconvert.backends.onnx import optimizers, writer
from mgeconvert.errors import ConvertError, UnsupportedCase
from mgeconvert.ir import DType, Graph, TensorType, evaluate, ops
from mgeconvert.ir.dims import dim
from tests.onnx_backend.networks import AT, network
from tests.onnx_backend.running import Options, difference, run, unobserved


def convert(graph: Graph, options: Options) -> tuple[bytes, tuple[str, ...]]:
    request = Request(options, "model", {"source": "abc"})
    artifact = load("onnx").convert(graph, request, unobserved)
    return b"".join(artifact.files["model.onnx"]), artifact.notes


def transposes() -> Graph:
    """Two transposes that become one (which both libraries leave), and the same Exp twice."""
    graph = Graph()
    x = graph.input("x", TensorType(DType.F32, (2, 3)))
    y = graph.add(ops.Abs(), x, name="abs", at=AT)
    y = graph.add(ops.Transpose(perm=(1, 0)), y, name="there", at=AT)
    y = graph.add(ops.Transpose(perm=(1, 0)), y, name="back", at=AT)
    twice = [graph.add(ops.Exp(), y, name="exp", at=AT) for _ in range(2)]
    graph.output("sum", graph.add(ops.Add(), *twice, name="sum", at=AT))
    return graph


@pytest.mark.parametrize("name", ["optimize", "simplify"])
@pytest.mark.parametrize("opset", range(7, 24))
def test_the_public_face_stays(name: str, opset: int) -> None:
    options = Options(opset, **{name: True})
    model, notes = convert(network(dim("N")), options)
    proto = onnx.load_from_string(model)
    onnx.checker.check_model(proto, full_check=True)
    plain = onnx.load_from_string(convert(network(dim("N")), Options(opset))[0])
    assert len(notes) == 1
    assert len(proto.graph.node) <= len(plain.graph.node)
    assert [i.name for i in proto.graph.input] == ["image"]
    assert [o.name for o in proto.graph.output] == ["scores", "same"]
    for of in ("ir_version", "producer_name", "metadata_props", "opset_import"):
        assert getattr(proto, of) == getattr(plain, of)
    assert proto.graph.input == plain.graph.input
    assert proto.graph.output == plain.graph.output
    assert {"head.w", "head.b"} <= {t.name for t in proto.graph.initializer}
    feeds = {"image": np.random.default_rng(3).standard_normal((5, 3, 8, 8), np.float32)}
    got, _ = run(model, feeds)
    for port, want in evaluate(network(dim("N")), feeds).items():
        assert difference(want, got[port], rtol=1e-5, atol=1e-6) == ""


@pytest.mark.parametrize("name", ["optimize", "simplify"])
@pytest.mark.parametrize("opset", [7, 8, 13, 18, 23])
def test_both_have_an_effect(name: str, opset: int) -> None:
    model, notes = convert(transposes(), Options(opset, **{name: True}))
    kinds = [n.op_type for n in onnx.load_from_string(model).graph.node]
    assert sorted(kinds) == ["Abs", "Add", "Exp", "Transpose"], notes
    assert "6 nodes before, 4 after" in notes[0]
    feeds = {"x": np.arange(6, dtype=np.float32).reshape(2, 3)}
    want = evaluate(transposes(), feeds)["sum"]
    assert difference(want, run(model, feeds)[0]["sum"], rtol=1e-6, atol=1e-6) == ""


def grow(model: ModelProto) -> ModelProto:
    larger = ModelProto()
    larger.CopyFrom(model)
    larger.graph.node.add(op_type="Relu", input=["image"], output=["extra"], name="extra")
    return larger


def fail(model: ModelProto) -> ModelProto:
    raise RuntimeError("no idea")


def test_a_larger_result_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimizers, "_optimize", grow)
    model, notes = convert(network(), Options(13, optimize=True))
    assert "its result was not used" in notes[0]
    assert model == convert(network(), Options(13))[0]


def test_a_failure_names_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimizers, "_simplify", fail)
    with pytest.raises(ConvertError, match="onnx-simplifier failed: RuntimeError: no idea"):
        convert(network(), Options(13, simplify=True))


def test_weights_beyond_a_message_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimizers, "INLINE_LIMIT", 1000)
    with pytest.raises(UnsupportedCase, match="2 GiB"):
        convert(network(), Options(13, optimize=True))
    assert writer.INLINE_LIMIT > 1000


def test_results_are_the_same_again() -> None:
    options = Options(13, optimize=True, simplify=True)
    assert convert(network(), options) == convert(network(), options)

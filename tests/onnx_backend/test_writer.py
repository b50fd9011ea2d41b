"""The files themselves: structure, names, external data, provenance, and the same bytes again."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from mgeconvert.backends import Artifact, Request, load
from mgeconvert.backends.onnx import writer
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import DType, Graph, TensorType, evaluate, ops
from mgeconvert.ir.dims import dim
from tests.onnx_backend.networks import AT, network
from tests.onnx_backend.running import Options, difference, export, run, unobserved

OPSETS = range(7, 24)


def convert(graph: Graph, options: Options, **provenance: str) -> Artifact:
    return load("onnx").convert(graph, Request(options, "model", provenance), unobserved)


def save(artifact: Artifact, folder: Path) -> Path:
    for name, chunks in artifact.files.items():
        with (folder / name).open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
    return folder / "model.onnx"


def image(batch: int = 2) -> dict[str, np.ndarray]:
    return {"image": np.random.default_rng(3).standard_normal((batch, 3, 8, 8), np.float32)}


@pytest.mark.parametrize("opset", OPSETS)
def test_a_network_is_valid_and_computes_the_same(opset: int) -> None:
    model = export(network(), Options(opset))
    onnx.checker.check_model(onnx.load_from_string(model), full_check=True)
    got, runtime = run(model, image())
    assert runtime == "onnxruntime"
    for name, want in evaluate(network(), image()).items():
        assert difference(want, got[name], rtol=1e-5, atol=1e-6) == ""


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("opset", [7, 13, 23])
def test_a_symbolic_batch_runs_at_any(opset: int, batch: int) -> None:
    model = export(network(dim("N")), Options(opset))
    assert (
        onnx.load_from_string(model).graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"
    )
    assert not {n.op_type for n in onnx.load_from_string(model).graph.node} & {"Shape", "Concat"}
    got, _ = run(model, image(batch))
    want = evaluate(network(dim("N")), image(batch))
    assert difference(want["scores"], got["scores"], rtol=1e-5, atol=1e-6) == ""


def test_names_of_the_source_are_kept() -> None:
    graph = onnx.load_from_string(export(network(), Options(13, fold_bn=False))).graph
    assert [i.name for i in graph.input] == ["image"]
    assert [o.name for o in graph.output] == ["scores", "same"]
    names = {t.name for t in graph.initializer}
    assert {"stem.w", "stem.b", "bn.scale", "bn.mean", "head.w", "head.b"} <= names
    assert {"stem", "bn", "relu", "pool", "flat", "head"} <= {n.output[0] for n in graph.node}
    nodes = [n.name for n in graph.node]
    assert len(set(nodes)) == len(nodes)


@pytest.mark.parametrize(
    ("opset", "ir"), [(7, 4), (8, 4), (9, 4), (10, 5), (13, 7), (17, 8), (23, 11)]
)
def test_the_ir_version_is_the_lowest_for_the_opset(opset: int, ir: int) -> None:
    model = onnx.load_from_string(export(network(), Options(opset)))
    assert (model.ir_version, model.opset_import[0].version) == (ir, opset)
    assert [i.name for i in model.graph.input] == ["image"]


def test_provenance_is_sorted_metadata() -> None:
    artifact = convert(network(), Options(13, graph_name="net"), source="abc", converter="1")
    model = onnx.load_from_string(b"".join(artifact.files["model.onnx"]))
    assert [(p.key, p.value) for p in model.metadata_props] == [
        ("converter", "1"),
        ("source", "abc"),
    ]
    assert (model.producer_name, model.graph.name) == ("mgeconvert", "net")


def test_weights_are_streamed_as_views_of_the_source() -> None:
    graph = network()
    weights = {v.name: v.const for v in graph.constants()}
    chunks = list(convert(graph, Options(13, fold_bn=False)).files["model.onnx"])
    shared = [
        name
        for name, array in weights.items()
        if any(np.shares_memory(np.frombuffer(chunk, np.uint8), array) for chunk in chunks)
    ]
    assert sorted(shared) == sorted(weights)


@pytest.mark.parametrize("opset", [7, 13, 23])
def test_weights_that_only_a_view_of_is_read_are_not_written(opset: int) -> None:
    graph, random = Graph(), np.random.default_rng(3)
    x = graph.input("x", TensorType(DType.F32, (2, 5, 8)))
    w = graph.constant("fc.w", random.standard_normal((16, 8), np.float32))
    graph.output("y", graph.add(ops.Linear(), x, w, name="fc", at=AT))
    model = onnx.load_from_string(export(graph, Options(opset)))
    read = {name for node in model.graph.node for name in node.input}
    assert [(t.name, list(t.dims)) for t in model.graph.initializer] == [
        ("fc.w.transposed", [8, 16])
    ]
    assert {t.name for t in model.graph.initializer} <= read
    feeds = {"x": random.standard_normal((2, 5, 8), np.float32)}
    got, _ = run(export(graph, Options(opset)), feeds)
    assert difference(evaluate(graph, feeds)["y"], got["y"], rtol=1e-5, atol=1e-6) == ""


@pytest.mark.parametrize("opset", [7, 13, 23])
def test_external_data_is_aligned_and_complete(opset: int, tmp_path: Path) -> None:
    artifact = convert(network(), Options(opset, external_data="always"))
    assert [*artifact.files] == ["model.onnx", "model.onnx.data"]
    path = save(artifact, tmp_path)
    onnx.checker.check_model(str(path), full_check=True)
    tensors = onnx.load(path, load_external_data=False).graph.initializer
    outside = [t for t in tensors if t.external_data]
    offsets = [int(e.value) for t in outside for e in t.external_data if e.key == "offset"]
    assert offsets
    assert all(offset % writer.ALIGNMENT == 0 for offset in offsets)
    assert all(len(t.raw_data) <= 8 * writer.CHECKED_SIZE for t in tensors)
    plain = onnx.load_from_string(export(network(), Options(opset)))
    inline = {t.name: numpy_helper.to_array(t) for t in plain.graph.initializer}
    loaded = {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
    assert inline.keys() == loaded.keys()
    assert all(np.array_equal(inline[name], loaded[name]) for name in inline)


def test_large_models_go_outside_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "INLINE_LIMIT", 1000)
    assert [*convert(network(), Options(13)).files] == ["model.onnx", "model.onnx.data"]
    with pytest.raises(UnsupportedCase, match="2 GiB"):
        convert(network(), Options(13, external_data="never"))


def test_the_limit_is_what_protobuf_takes() -> None:
    assert 2**31 - 2**21 < writer.INLINE_LIMIT < 2**31


def test_an_invalid_model_is_our_mistake() -> None:
    broken = onnx.helper.make_node("Relu", ["nowhere"], ["y"])
    model = onnx.ModelProto(ir_version=8)
    model.opset_import.add(version=13)
    model.graph.name = "g"
    model.graph.node.append(broken)
    with pytest.raises(Exception, match="not valid"):
        writer.check(writer.Structure(model, {}))


PROGRAM = """
import sys, hashlib
from tests.onnx_backend.networks import AT, network
from tests.onnx_backend.running import Options, export
from mgeconvert.ir.dims import dim
for opset in (7, 13, 23):
    print(hashlib.sha256(export(network(dim("N")), Options(opset))).hexdigest())
"""


@pytest.mark.parametrize("seed", ["0", "1", "31337"])
def test_bytes_do_not_depend_on_the_hash_seed(seed: str) -> None:
    here = [
        hashlib.sha256(export(network(dim("N")), Options(opset))).hexdigest()
        for opset in (7, 13, 23)
    ]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    printed = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert printed.split() == here


@pytest.mark.parametrize("opset", [6, 24, -1])
def test_other_opsets_are_refused(opset: int) -> None:
    with pytest.raises(UnsupportedCase, match=f"opset {opset}") as caught:
        export(network(), Options(opset))
    assert "7 to 23" in caught.value.hint

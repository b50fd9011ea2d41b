"""Whole files read, converted and checked by the IR's own interpreter and by onnxruntime."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from mgeconvert import frontends
from mgeconvert.backends import Request, load
from mgeconvert.ir import DType, Graph, TensorType, evaluate
from mgeconvert.ir.dims import bind
from mgeconvert.manifest import OnnxOptions

pytestmark = pytest.mark.core

ROOT = Path(__file__).resolve().parents[2]
TRACED = [ROOT / "examples" / "digits.tm"]
RTOL, ATOL = 1e-4, 1e-5


def random(type: TensorType, known: dict[str, int]) -> np.ndarray:
    shape = tuple(bind(d, known) for d in type.shape)
    generator = np.random.Generator(np.random.PCG64(7))
    if type.dtype is DType.F32:
        return generator.standard_normal(shape).astype(np.float32)
    return generator.integers(0, 3, shape).astype(type.dtype.numpy)


def nothing(name: str, graph: Graph) -> None:
    """Watch nothing."""


@pytest.mark.parametrize("opset", [7, 13, 17, 23])
@pytest.mark.parametrize("path", TRACED, ids=lambda p: p.stem)
def test_a_traced_module_becomes_onnx(path: Path, opset: int) -> None:
    graph = frontends.read(path, shapes={}, outputs=())
    feeds = {p.name: random(p.value.type, {}) for p in graph.inputs}
    want = evaluate(graph, feeds)
    request = Request(OnnxOptions(opset=opset), "m", {})
    artifact = load("onnx").convert(graph, request, nothing)
    data = b"".join(bytes(chunk) for chunk in artifact.files["m.onnx"])
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    got = dict(zip(want, session.run(list(want), feeds)))
    for name, array in want.items():
        np.testing.assert_allclose(got[name], array, rtol=RTOL, atol=ATOL, err_msg=name)


def test_a_symbolic_batch_stays_open() -> None:
    path = ROOT / "examples" / "digits.tm"
    graph = frontends.read(path, shapes={"data": ("N", 1, 8, 8)}, outputs=())
    feeds = [{"data": random(graph.inputs[0].value.type, {"N": n})} for n in (1, 5)]
    want = [evaluate(graph, feed) for feed in feeds]
    artifact = load("onnx").convert(graph, Request(OnnxOptions(opset=13), "m", {}), nothing)
    data = b"".join(bytes(chunk) for chunk in artifact.files["m.onnx"])
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    for feed, results in zip(feeds, want):
        got = session.run(list(results), feed)
        for array, (name, wanted) in zip(got, results.items()):
            np.testing.assert_allclose(array, wanted, rtol=RTOL, atol=ATOL, err_msg=name)


def test_megengine_was_not_needed() -> None:
    assert "megengine" not in sys.modules or sys.version_info < (3, 11)

"""Running operator cases through the frontends and backends, against MegEngine's results."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime

from mgeconvert import backends, frontends
from mgeconvert.backends import Request
from mgeconvert.ir import Graph, evaluate, verify
from tests.cases import FAMILIES, Case
from tests.cases.prepared import Files, files


def check_interpreted(case: Case, family: str, source: str) -> None:
    """Compare the IR's own meaning with MegEngine's."""
    made = _files(case, family, source)
    graph = _read(case, made, source)
    verify(graph)
    for suffix in _suffixes(case):
        feeds = _by_port(graph, made.feeds(suffix))
        compare(case, list(evaluate(graph, feeds).values()), made.outputs(suffix))


def check_onnx(case: Case, family: str, source: str, opset: int) -> None:
    """Compare what onnxruntime computes with MegEngine's results."""
    made = _files(case, family, source)
    graph = _read(case, made, source)
    feeds = [_by_port(graph, made.feeds(suffix)) for suffix in _suffixes(case)]
    options = SimpleNamespace(
        opset=opset,
        graph_name="graph",
        fold_bn=True,
        optimize=False,
        simplify=False,
        external_data="auto",
    )
    artifact = backends.load("onnx").convert(graph, Request(options, "m", {}), _ignore)
    data = b"".join(bytes(chunk) for chunk in artifact.files["m.onnx"])
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, settings, providers=["CPUExecutionProvider"])
    for suffix, arrays in zip(_suffixes(case), feeds):
        compare(case, session.run(None, arrays), made.outputs(suffix))


def compare(case: Case, got: list[np.ndarray], want: list[np.ndarray]) -> None:
    assert len(got) == len(want)
    for index, (a, b) in enumerate(zip(got, want)):
        assert a.shape == b.shape, f"output {index}: shape {a.shape}, MegEngine gives {b.shape}"
        assert a.dtype == b.dtype, f"output {index}: {a.dtype}, MegEngine gives {b.dtype}"
        np.testing.assert_allclose(a, b, rtol=case.rtol, atol=case.atol, err_msg=f"output {index}")


def _files(case: Case, family: str, source: str) -> Files:
    made = files(case, FAMILIES[family])
    assert source not in made.failures, f"MegEngine cannot make this case: {made.failures}"
    return made


def _read(case: Case, made: Files, source: str) -> Graph:
    shapes: dict[str, tuple[int | str, ...]] = {}
    if case.dynamic:
        shapes = {name: ("N", *data.shape[1:]) for name, data in case.data}
    return frontends.read(made.tm if source == "tm" else made.mge, shapes=shapes, outputs=())


def _by_port(graph: Graph, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {p.name: array for p, array in zip(graph.inputs, feeds.values(), strict=True)}


def _suffixes(case: Case) -> tuple[str, ...]:
    return ("", "5") if case.dynamic else ("",)


def _ignore(name: str, graph: Graph) -> Any:
    """Watch nothing."""

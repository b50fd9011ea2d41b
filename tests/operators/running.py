"""Running operator cases through the frontends and backends, against MegEngine's results."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx.reference import ReferenceEvaluator

from mgeconvert import backends, frontends
from mgeconvert.backends import Request
from mgeconvert.errors import ConversionFailed, ConvertError, UnsupportedCase, UnsupportedOp
from mgeconvert.ir import Graph, evaluate, verify
from tests.cases import FAMILIES, Case
from tests.cases.prepared import Files, files
from tests.operators.dumps import row_of
from tests.operators.refused import backend_refuses, frontend_refuses

NotImplementedByRuntime = onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented
REFUSALS = (UnsupportedCase, UnsupportedOp)


def check_interpreted(case: Case, family: str, source: str) -> None:
    """Compare the IR's own meaning with MegEngine's, and the names of inputs and outputs."""
    made = case_files(case, family, source)
    if frontend_refuses(case, source):
        return expect_refusal(lambda: read(case, made, source))
    graph = read(case, made, source)
    verify(graph)
    if source == "tm":
        assert [p.name for p in graph.inputs] == [name for name, _ in case.data]
    assert len({p.name for p in graph.outputs}) == len(graph.outputs)
    for suffix in _suffixes(case, source):
        feeds = _by_port(graph, case, made.feeds(suffix), source)
        compare(case, list(evaluate(graph, feeds).values()), _wanted(made, source, suffix))
    return None


def check_onnx(case: Case, family: str, source: str, opset: int) -> None:
    """Compare what onnxruntime computes with MegEngine's results."""
    made = case_files(case, family, source)
    if frontend_refuses(case, source):
        return None
    graph = read(case, made, source)
    feeds = [_by_port(graph, case, made.feeds(s), source) for s in _suffixes(case, source)]
    if backend_refuses(case, source, opset):
        return expect_refusal(lambda: to_onnx(graph, opset))
    run = runner(to_onnx(graph, opset))
    for suffix, arrays in zip(_suffixes(case, source), feeds):
        compare(case, run(arrays), _wanted(made, source, suffix))
    return None


def expect_refusal(convert: Any) -> None:
    """Need every problem to be one that a row of refusals.toml may excuse."""
    with pytest.raises((ConvertError, ConversionFailed)) as raised:
        convert()
    error = raised.value
    problems = error.problems if isinstance(error, ConversionFailed) else (error,)
    assert all(isinstance(p, REFUSALS) for p in problems), problems
    assert all(p.at is not None for p in problems), "a refusal must say where"


def to_onnx(graph: Graph, opset: int) -> bytes:
    """Return the model as the bytes of one file."""
    options = SimpleNamespace(
        opset=opset,
        graph_name="graph",
        fold_bn=True,
        optimize=False,
        simplify=False,
        external_data="auto",
        quantize=False,
    )
    artifact = backends.load("onnx").convert(graph, Request(options, "m", {}), _ignore)
    return b"".join(bytes(chunk) for chunk in artifact.files["m.onnx"])


def runner(model: bytes) -> Any:
    """Return a function from inputs to outputs, by onnxruntime or, without a kernel, by onnx."""
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
    except NotImplementedByRuntime:
        evaluator = ReferenceEvaluator(onnx.load_from_string(model))
        return lambda feeds: [np.asarray(a) for a in _quietly(evaluator, feeds)]
    return lambda feeds: session.run(None, feeds)


def _quietly(evaluator: ReferenceEvaluator, feeds: dict[str, np.ndarray]) -> list[Any]:
    with np.errstate(all="ignore"):
        return evaluator.run(None, feeds)


def compare(case: Case, got: list[np.ndarray], want: list[np.ndarray]) -> None:
    assert len(got) == len(want)
    for index, (a, b) in enumerate(zip(got, want)):
        assert a.shape == b.shape, f"output {index}: shape {a.shape}, MegEngine gives {b.shape}"
        assert a.dtype == b.dtype, f"output {index}: {a.dtype}, MegEngine gives {b.dtype}"
        exact = b.dtype.kind != "f"
        rtol, atol = (0, 0) if exact else (case.rtol, case.atol)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol, err_msg=f"output {index}")


def case_files(case: Case, family: str, source: str) -> Files:
    """Return the files of a case; MegEngine must have been able to make them."""
    made = files(case, FAMILIES[family])
    assert source not in made.failures, f"MegEngine cannot make this case: {made.failures}"
    return made


def read(case: Case, made: Files, source: str) -> Graph:
    """Return the IR of a case, with the first sizes symbolic where it is dynamic."""
    shapes: dict[str, tuple[int | str, ...]] = {}
    if _is_dynamic(case, source):
        names = _names(case, source)
        shapes = {names[name]: ("N", *data.shape[1:]) for name, data in case.data}
    return frontends.read(made.tm if source == "tm" else made.mge, shapes=shapes, outputs=())


def _names(case: Case, source: str) -> dict[str, str]:
    """Return what the inputs are called in the file, by their names in the case."""
    names = [name for name, _ in case.data]
    return {name: name if source == "tm" else f"arg_{i}" for i, name in enumerate(names)}


def _by_port(
    graph: Graph, case: Case, feeds: dict[str, np.ndarray], source: str
) -> dict[str, np.ndarray]:
    """Return the inputs by port; a dump has no rank 0, and not the inputs that it does not use."""
    names = _names(case, source)
    given = {names[name]: array for name, array in feeds.items()}
    if source == "mge":
        given = {name: array.reshape(array.shape or (1,)) for name, array in given.items()}
    return {port.name: given[port.name] for port in graph.inputs}


def _wanted(made: Files, source: str, suffix: str) -> list[np.ndarray]:
    """Return MegEngine's results; the module's where its dump does not run with another batch."""
    if source == "tm":
        return made.outputs(suffix)
    if f"mge{suffix}" in made.failures:
        return [array.reshape(array.shape or (1,)) for array in made.outputs(suffix)]
    return made.graph_outputs(suffix)


def _suffixes(case: Case, source: str) -> tuple[str, ...]:
    return ("", "5") if _is_dynamic(case, source) else ("",)


def _is_dynamic(case: Case, source: str) -> bool:
    return case.dynamic and not (source == "mge" and row_of(case, "baked"))


def _ignore(name: str, graph: Graph) -> Any:
    """Watch nothing."""

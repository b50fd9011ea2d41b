"""Exporting a graph and running the file, in onnxruntime or, where that cannot, by onnx itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator

from mgeconvert.backends import Request, load
from mgeconvert.ir import Array, Graph


@dataclass(frozen=True)
class Options:
    """What the manifest's OnnxOptions has."""

    opset: int
    graph_name: str = "graph"
    fold_bn: bool = True
    optimize: bool = False
    simplify: bool = False
    quantize: bool = False
    external_data: str = "auto"


def unobserved(name: str, graph: Graph) -> None:
    """See nothing of the passes."""


def export(graph: Graph, options: Options) -> bytes:
    """Convert, and return the bytes of the one file."""
    artifact = load("onnx").convert(graph, Request(options, "model", {}), unobserved)
    return b"".join(artifact.files["model.onnx"])


def run(model: bytes, feeds: Mapping[str, Array]) -> tuple[dict[str, Array], str]:
    """Return the outputs by name, and which runtime computed them."""
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    settings.inter_op_num_threads = 1
    settings.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
    except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented:
        with np.errstate(all="ignore"):
            return _run_reference(model, feeds), "onnx.reference"
    names = [o.name for o in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(feeds)))), "onnxruntime"


def _run_reference(model: bytes, feeds: Mapping[str, Array]) -> dict[str, Array]:
    evaluator = ReferenceEvaluator(onnx.load_from_string(model))
    results = evaluator.run(None, dict(feeds))
    return {name: np.asarray(a) for name, a in zip(evaluator.output_names, results)}


def difference(want: Array, got: Array, *, rtol: float, atol: float) -> str:
    """Say how `got` differs from `want`, or return nothing."""
    if want.dtype != got.dtype or want.shape != got.shape:
        return f"{got.dtype}{got.shape} instead of {want.dtype}{want.shape}"
    if want.dtype.kind != "f":
        return "" if np.array_equal(want, got) else f"{got!r} instead of {want!r}"
    if np.allclose(got, want, rtol=rtol, atol=atol, equal_nan=True):
        return ""
    with np.errstate(all="ignore"):
        error = np.abs(got.astype(np.float64) - want)
    worst = np.unravel_index(np.argmax(np.where(np.isnan(error), np.inf, error)), error.shape)
    return f"{got[worst]!r} instead of {want[worst]!r} at {tuple(map(int, worst))}"

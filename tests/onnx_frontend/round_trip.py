"""From the IR to ONNX and back, and whether two graphs are the same."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from mgeconvert import frontends
from mgeconvert.backends import Request, load
from mgeconvert.ir import Graph, Value, verify
from mgeconvert.manifest.options import OnnxOptions

BOUNDARIES = (7, 13, 23)  # where most forms change; the others are part of the full matrix
OPSETS = range(7, 24)


def export(graph: Graph, opset: int) -> bytes:
    """Return the model as the bytes of one file."""
    request = Request(OnnxOptions(opset=opset), "model", {})
    artifact = load("onnx").convert(graph, request, unobserved)
    return b"".join(bytes(chunk) for chunk in artifact.files["model.onnx"])


def export_quantized(graph: Graph, opset: int) -> bytes:
    """Return the model with QuantizeLinear and DequantizeLinear as the bytes of one file."""
    request = Request(OnnxOptions(opset=opset, quantize=True), "model", {})
    artifact = load("onnx").convert(graph, request, unobserved)
    return b"".join(bytes(chunk) for chunk in artifact.files["model.onnx"])


def unobserved(name: str, graph: Graph) -> None:
    """See nothing of the passes."""


def read_bytes(model: bytes, **shapes: tuple[int | str, ...]) -> Graph:
    """Read a model, by its content, and verify the graph."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(model)
        graph = frontends.read(path, shapes=shapes, outputs=())
    verify(graph)
    return graph


def is_same(one: Graph, other: Graph) -> bool:
    """Whether both have the same operators on the same values, names aside.

    Float attributes are compared as float32, which is all that ONNX has for them.
    """
    return _lines(one) == _lines(other)


def _lines(graph: Graph) -> list[Any]:
    ids: dict[Value, Any] = {p.value: p.name for p in graph.inputs}
    lines: list[Any] = [(p.name, p.value.type) for p in graph.inputs]
    for node in graph:
        operands = [_operand(value, ids) for value in node.inputs]
        for value in node.outputs:
            ids[value] = len(ids)
        fields = [_plain(getattr(node.op, f.name)) for f in dataclasses.fields(node.op)]
        lines.append((type(node.op), fields, operands, [v.type for v in node.outputs]))
    return [*lines, *((p.name, _operand(p.value, ids)) for p in graph.outputs)]


def _operand(value: Value, ids: dict[Value, Any]) -> Any:
    if value.const is None:
        return ids[value]
    return value.type, np.ascontiguousarray(value.const).tobytes()


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return float(np.float32(value)) if isinstance(value, float) else value

"""An ONNX file with more outputs, for a look inside; onnx is imported when it is called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tensors:
    """What the nodes of a model's main graph make, and what are its outputs."""

    made: frozenset[str]
    outputs: frozenset[str]


def tensors(path: str) -> Tensors:
    """Read the names of tensors from the file at `path`."""
    import onnx

    graph = onnx.ModelProto.FromString(Path(path).read_bytes()).graph
    made = frozenset(name for node in graph.node for name in node.output if name)
    return Tensors(made, frozenset(value.name for value in graph.output))


def with_outputs(path: str, names: Iterable[str]) -> bytes:
    """Return the bytes of the model with `names` as outputs besides its own.

    A message in two parts is their sum, so that the weights need not be parsed: the new outputs are
    a second part of the graph. They have no type, a runtime infers it. Weights in files of external
    data stay where they are.
    """
    import onnx

    more = [onnx.ValueInfoProto(name=name) for name in names]
    part = onnx.ModelProto(graph=onnx.GraphProto(output=more)).SerializeToString()
    return b"".join((Path(path).read_bytes(), part))

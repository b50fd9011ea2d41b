"""Exporting a graph to TFLite, and running the file in LiteRT."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ai_edge_litert import schema_py_generated as schema

from mgeconvert.backends import Quantization, Request, load
from mgeconvert.check.runners.litert import Runtime
from mgeconvert.ir import Array, Graph


@dataclass(frozen=True)
class Options:
    """What the manifest's TfliteOptions has."""

    graph_name: str = "graph"
    fold_bn: bool = True
    quantize: bool = False
    disable_nhwc: bool = False
    prefer_same_pad_mode: bool = False
    remove_relu: bool = False
    use_int64_bias: bool = False
    mtk: bool = False
    max_runtime: str = "newest"


PLAIN = Quantization()


def unobserved(name: str, graph: Graph) -> None:
    """See nothing of the passes."""


def export(graph: Graph, options: Options = Options(), quantization: Quantization = PLAIN) -> bytes:
    """Return the bytes of the `.tflite` file."""
    return files(graph, options, quantization)["net.tflite"]


def files(
    graph: Graph, options: Options = Options(), quantization: Quantization = PLAIN
) -> dict[str, bytes]:
    """Return the bytes of all the files."""
    request = Request(options, "net", {"license": "none"}, quantization)
    artifact = load("tflite").convert(graph, request, unobserved)
    return {n: b"".join(bytes(c) for c in chunks) for n, chunks in artifact.files.items()}


def run(model: bytes, feeds: Mapping[str, Array]) -> dict[str, Array]:
    """Return the outputs by name, as the check's own runner gets them: in the source's layout."""
    runtime = Runtime()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "net.tflite"
        path.write_bytes(model)
        runtime.open(str(path), format="tflite", outputs=())
        return runtime.run(feeds)


def structure(model: bytes) -> schema.ModelT:
    """Return the model by the schema's object API."""
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(model))


def codes(model: bytes) -> list[str]:
    """Return the names of the operators, in order."""
    names = {v: k for k, v in vars(schema.BuiltinOperator).items() if not k.startswith("_")}
    made = structure(model)
    return [
        names[made.operatorCodes[op.opcodeIndex].builtinCode] for op in made.subgraphs[0].operators
    ]

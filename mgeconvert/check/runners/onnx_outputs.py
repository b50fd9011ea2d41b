"""An ONNX file with other outputs, for a look inside; onnx is imported when it is called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def with_outputs(path: str, names: Sequence[str]) -> tuple[bytes, list[str]]:
    """Return the bytes of the model whose outputs are `names`, and those that it has.

    Only the main graph counts. The outputs have no type: a runtime infers it. Weights in files of
    external data stay where they are.
    """
    import onnx

    model = onnx.ModelProto.FromString(Path(path).read_bytes())
    made = {name for node in model.graph.node for name in node.output}
    found = [name for name in dict.fromkeys(names) if name in made]
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in found)
    return model.SerializeToString(), found

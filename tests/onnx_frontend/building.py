"""Small ONNX models by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from mgeconvert.ir import Graph, evaluate
from tests.onnx_frontend.round_trip import read_bytes

Dims = Sequence[int | str | None]
node = helper.make_node


def model(
    nodes: Sequence[NodeProto],
    inputs: Mapping[str, Dims],
    outputs: Sequence[str],
    *,
    opset: int = 17,
    constants: Mapping[str, object] | None = None,
    types: Mapping[str, int] | None = None,
) -> ModelProto:
    """Return a model; inputs are float32 but for those in `types`."""
    types = types or {}
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [
            helper.make_tensor_value_info(name, types.get(name, TensorProto.FLOAT), dims)
            for name, dims in inputs.items()
        ],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(a), name) for name, a in (constants or {}).items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    made.ir_version = 8
    return made


def read(made: ModelProto, **shapes: tuple[int | str, ...]) -> Graph:
    """Return the IR of a model."""
    return read_bytes(made.SerializeToString(), **shapes)


def run(made: ModelProto, **feeds: np.ndarray) -> list[np.ndarray]:
    """Return what the IR of a model computes."""
    return list(evaluate(read(made), feeds).values())

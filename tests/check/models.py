"""Small ONNX models for the tests of checks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

Port = tuple[str, type, Sequence[int | str] | None]


def write(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[Port],
    outputs: Sequence[Port],
    *,
    weights: dict[str, np.ndarray] | None = None,
    opset: int = 13,
) -> str:
    """Write a model that onnx accepts in full, and return its path."""
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [_value(port) for port in inputs],
        [_value(port) for port in outputs],
        [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()],
    )
    opsets = [helper.make_opsetid("", opset)]
    version = helper.find_min_ir_version_for(opsets)
    model = helper.make_model(graph, opset_imports=opsets, ir_version=max(version, 4))
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    return str(path)


def _value(port: Port) -> onnx.ValueInfoProto:
    name, dtype, shape = port
    element = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return helper.make_tensor_value_info(name, element, shape)


def classifier(
    path: Path,
    weight: np.ndarray,
    bias: np.ndarray,
    *,
    batch: int | str = "N",
    output: str = "fc_out",
    classes: int | None = None,
    cast: type | None = None,
    input: str = "x",
) -> str:
    """Write `x @ weight.T + bias`, with what may be wrong about it."""
    width = weight.shape[1]
    result = "y" if cast else output
    nodes = [helper.make_node("Gemm", [input, "weight", "bias"], [result], transB=1)]
    if cast:
        to = helper.np_dtype_to_tensor_dtype(np.dtype(cast))
        nodes.append(helper.make_node("Cast", [result], [output], to=to))
    return write(
        path,
        nodes,
        [(input, np.float32, [batch, width])],
        [(output, cast or np.float32, [batch, classes or len(weight)])],
        weights={"weight": weight, "bias": bias},
    )

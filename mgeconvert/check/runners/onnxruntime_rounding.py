"""What an ONNX model computes without QuantizeLinear and DequantizeLinear (onnx only)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mgeconvert.errors import UnsupportedCase

QUANTIZE, DEQUANTIZE = "QuantizeLinear", "DequantizeLinear"
WHOLE = ("QLinear", "ConvInteger", "MatMulInteger", "DynamicQuantizeLinear")


def relaxed(path: str) -> str | bytes:
    """Return the model with each pair of both operators taken out, or its path if there is none.

    Weights that are stored as whole numbers stay so: what they were before, the file does not have.
    Raises UnsupportedCase for operators that compute in whole numbers, and for QuantizeLinear
    that no DequantizeLinear follows.
    """
    import onnx

    model = onnx.load(path, load_external_data=False)
    kinds = {node.op_type for node in model.graph.node}
    whole = sorted(kind for kind in kinds if kind.startswith(WHOLE))
    if whole:
        raise UnsupportedCase(f"an ONNX model without the rounding of its {whole[0]}")
    if QUANTIZE not in kinds:
        return path
    model = onnx.load(path)
    _bypass(model.graph)
    data: bytes = model.SerializeToString()
    return data


def _numbers(node: Any, constants: Mapping[str, Any]) -> list[Any]:
    """Return scale and zero point of a node, and the axis: constants by value, others by name."""
    from onnx import numpy_helper

    found = [
        numpy_helper.to_array(constants[name]).tolist() if name in constants else name
        for name in node.input[1:]
    ]
    return [*found, *(a.i for a in node.attribute if a.name == "axis")]


def _bypass(graph: Any) -> None:
    """Give those who read a dequantized tensor what was quantized."""
    quantized = {n.output[0]: n for n in graph.node if n.op_type == QUANTIZE}
    constants = {tensor.name: tensor for tensor in graph.initializer}
    before = {
        n.output[0]: quantized[n.input[0]].input[0]
        for n in graph.node
        if n.op_type == DEQUANTIZE
        and n.input[0] in quantized
        and _numbers(n, constants) == _numbers(quantized[n.input[0]], constants)
    }
    for node in graph.node:
        if node.output[0] in before:
            node.op_type = "Identity"
            del node.attribute[:]
            del node.input[:]
            node.input.append(before[node.output[0]])
    read = {name for node in graph.node for name in node.input}
    read |= {value.name for value in graph.output}
    left = [node for node in graph.node if node.op_type == QUANTIZE and node.output[0] in read]
    if left:
        raise UnsupportedCase(f"an ONNX model without the rounding of {left[0].output[0]!r}")
    kept = [node for node in graph.node if node.op_type != QUANTIZE]
    del graph.node[:]
    graph.node.extend(kept)

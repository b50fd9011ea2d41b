"""Steps of 32 bits: what layers add up in, which runtimes hardly store activations in."""

from __future__ import annotations

import numpy as np

from mgeconvert.ir import ops
from mgeconvert.ir.graph import Graph, Value
from mgeconvert.ir.passes.pipeline import graph_pass
from mgeconvert.ir.types import DType

PRODUCTS = (ops.Conv, ops.ConvTranspose, ops.Linear, ops.MatMul)
SUMS = (ops.Add, ops.Sub, ops.Relu, ops.Identity, ops.Reshape, ops.Transpose)


def is_whole(value: Value) -> bool:
    """Return whether rounding `value` to its steps of 32 bits changes nothing.

    So it is with sums of products of whole numbers whose steps multiply to the value's step, as
    layers make them before they are requantized.
    """
    quant, node = value.quant, value.producer
    if quant is None or quant.dtype is not DType.I32 or node is None or any(quant.zero_point):
        return False
    if isinstance(node.op, SUMS):
        return all(v.quant == quant for v in node.inputs)
    if not isinstance(node.op, PRODUCTS):
        return False
    x, w, *biases = (v.quant for v in node.inputs)
    if x is None or w is None or any(len(q.scale) != 1 for q in (x, w, quant)):
        return False
    step = np.float32(x.scale[0]) * np.float32(w.scale[0])
    same = bool(np.isclose(step, quant.scale[0], rtol=1e-6, atol=0))
    return same and all(bias == quant for bias in biases)


@graph_pass()
def write_out_words(graph: Graph) -> bool:
    """Rewrite the rounding of an activation to 32 bits as operators in floats, if it does anything.

    y = round(x / scale) * scale, half away from zero; a float32 cannot reach the range's ends.
    """
    computed = [v for node in graph for v in node.outputs]
    whole = {value for value in computed if is_whole(value)}
    changed = False
    for value in (*(p.value for p in graph.inputs), *computed):
        quant = value.quant
        if quant is None or quant.dtype is not DType.I32 or quant.axis is not None:
            continue
        value.quant = None
        changed = True
        if value not in whole and value.is_used:
            _round(graph, value, quant.scale[0])
    return changed


def _round(graph: Graph, value: Value, scale: float) -> None:
    users = value.users
    first = next((n for n in graph if n in users), None)
    origin = value.producer or first
    assert origin is not None
    step = graph.constant(f"{value.name}.step", np.array(scale, value.type.dtype.numpy))
    y = value
    for op, *others in ((ops.Div(), step), (ops.Round(),), (ops.Mul(), step)):
        y = graph.add(op, y, *others, name=value.name, at=origin.origin, before=first)
    head = next(n for n in value.users if n not in users)
    graph.replace(value, y)
    graph.set_inputs(head, [value, step])
    graph.take_name(y, value)

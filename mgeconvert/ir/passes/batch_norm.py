"""Folding batch norm into the operator before it."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgeconvert.ir.graph import Graph, Node, Value
from mgeconvert.ir.mapped import forget
from mgeconvert.ir.op import Array
from mgeconvert.ir.ops import BatchNorm, Conv, ConvTranspose, Linear
from mgeconvert.ir.passes.pipeline import graph_pass

PRODUCERS = (Conv, ConvTranspose, Linear)


@graph_pass()
def fold_batch_norm(graph: Graph) -> bool:
    """Rewrite batch_norm(conv(x, w, b)) to conv(x, w', b') where nobody else reads the conv.

    With f = scale / sqrt(variance + epsilon): w' = f w along the output channels and
    b' = f (b - mean) + bias. f and b' are computed in float64, w' in the element type of w.
    Transposed convolutions and linear layers of rank 2 likewise.
    """
    changed = False
    for node in graph:
        if isinstance(node.op, BatchNorm):
            producer = _foldable(node)
            if producer is not None:
                _fold(graph, node, producer)
                changed = True
    return changed


def _foldable(node: Node[BatchNorm]) -> Node[Any] | None:
    x, *statistics = node.inputs
    producer = x.producer
    if producer is None or not isinstance(producer.op, PRODUCERS):
        return None
    alone = len(x.users) == 1 and not x.is_output
    constant = all(v.const is not None for v in (*statistics, *producer.inputs[1:]))
    if not alone or not constant or not x.type.dtype.is_float:
        return None
    if isinstance(producer.op, Linear) and x.type.rank != 2:
        return None  # there the channels of the batch norm are not the features of the layer
    return producer


def _fold(graph: Graph, node: Node[BatchNorm], producer: Node[Any]) -> None:
    scale, bias, mean, variance = (_wide(v) for v in node.inputs[1:])
    factor = scale / np.sqrt(variance + node.op.epsilon)
    x, weight, *rest = producer.inputs
    before = _wide(rest[0]) if rest else 0.0
    w = _scaled(weight, factor, producer)
    b = ((before - mean) * factor + bias).astype(weight.type.dtype.numpy)
    base = weight.name.rpartition(".")[0]
    bias_name = rest[0].name if rest else f"{base}.bias" if base else f"{weight.name}_bias"
    new_weight, new_bias = graph.constant(weight.name, w), graph.constant(bias_name, b)
    graph.take_name(new_weight, weight)
    if rest:
        graph.take_name(new_bias, rest[0])
    value = graph.add(
        producer.op,
        x,
        new_weight,
        new_bias,
        name=node.output.name,
        at=producer.origin,
        before=node,
    )
    value.quant = node.output.quant
    graph.replace_node(node, value)
    graph.remove(producer)


def _scaled(weight: Value, factor: Array, producer: Node[Any]) -> Array:
    """Multiply the output channels of `weight` by `factor`."""
    w = weight.const
    assert w is not None
    factor = factor.astype(w.dtype)
    ones = (1,) * (w.ndim - 2)
    if isinstance(producer.op, ConvTranspose):  # axis 1 has the channels of each group
        groups = producer.op.groups
        by_group = factor.reshape(groups, 1, w.shape[1], *ones)
        inner = w.reshape(groups, w.shape[0] // groups, *w.shape[1:])
        result = (inner * by_group).reshape(w.shape)
    else:
        result = w * factor.reshape(-1, 1, *ones)
    forget(w)
    return result


def _wide(value: Value) -> Array:
    assert value.const is not None
    return value.const.astype(np.float64)

"""Folding batch norm into the operator before it."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgeconvert.ir.graph import Graph, Node, Value
from mgeconvert.ir.op import Array
from mgeconvert.ir.ops import BatchNorm, Conv, ConvTranspose, Linear
from mgeconvert.ir.passes.pipeline import graph_pass

PRODUCERS = (Conv, ConvTranspose, Linear)


@graph_pass()
def fold_batch_norm(graph: Graph) -> bool:
    """Rewrite batch_norm(conv(x, w, b)) to conv(x, w', b') where nobody else reads the conv.

    With f = scale / sqrt(variance + epsilon): w' = f w along the output channels and
    b' = f (b - mean) + bias, computed in float64 and rounded once. Transposed convolutions and
    linear layers of rank 2 likewise.
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
    """Multiply the output channels of `weight` by `factor`, without a float64 copy of all of it."""
    w = weight.const
    assert w is not None
    result = np.empty(w.shape, w.dtype)
    if not isinstance(producer.op, ConvTranspose):
        for i, f in enumerate(factor):
            np.multiply(w[i], f, out=result[i], casting="same_kind", dtype=np.float64)
        return result
    by_group = factor.reshape(producer.op.groups, w.shape[1])
    shape = (1, w.shape[1], *(1,) * (w.ndim - 2))
    for group, f in zip(np.split(np.arange(w.shape[0]), producer.op.groups), by_group):
        result[group] = w[group] * f.reshape(shape)
    return result


def _wide(value: Value) -> Array:
    assert value.const is not None
    return value.const.astype(np.float64)

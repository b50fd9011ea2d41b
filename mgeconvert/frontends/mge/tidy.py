"""Putting together what MegEngine has taken apart: per-channel factors and biases of layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgeconvert.ir import DType, Graph, Node, Value, ops
from mgeconvert.ir.mapped import forget
from mgeconvert.ir.op import Array

LAYERS = (ops.Conv, ops.ConvTranspose)


def fuse_affine(graph: Graph) -> None:
    """Rewrite layer(x) * a + b to layer(x) where a and b are constants by channel.

    MegEngine adds a bias with an operator of its own, and leaves a factor behind where it has
    folded a batch norm away. In float32 only: half would be rounded in other places.
    """
    for node in graph:
        if isinstance(node.op, (ops.Add, ops.Mul)) and node.output.type.dtype is DType.F32:
            _fuse(graph, node)


def _fuse(graph: Graph, node: Node[Any]) -> None:
    for x, other in (node.inputs, tuple(reversed(node.inputs))):
        layer = x.producer
        if layer is None or other.const is None or x.is_output or x.users != (node,):
            continue
        if x.quant is not None:
            continue  # rounded between the two
        if x.type != node.output.type:
            continue
        if isinstance(layer.op, LAYERS):
            vector = _by_channel(other.const, x, 1)
            new = None if vector is None else _layer(graph, node, layer, vector, other)
        elif isinstance(layer.op, (ops.MatMul, ops.Linear)) and isinstance(node.op, ops.Add):
            new = _product(graph, node, layer, other)
        else:
            continue
        if new is not None:
            new.quant = node.output.quant
            graph.replace_node(node, new)
            return


def _by_channel(array: Array, x: Value, axis: int) -> Array | None:
    """Return a constant that broadcasts to x as one number for each channel; None otherwise."""
    shape = (1,) * (x.type.rank - array.ndim) + array.shape
    channels = x.type.shape[axis]
    if len(shape) != x.type.rank or not isinstance(channels, int):
        return None
    if any(d != 1 for i, d in enumerate(shape) if i != axis):
        return None
    return np.ascontiguousarray(np.broadcast_to(array.reshape(-1), (channels,)))


def _layer(
    graph: Graph, node: Node[Any], layer: Node[Any], vector: Array, other: Value
) -> Value | None:
    x, w, *bias = layer.inputs
    if isinstance(node.op, ops.Add):
        total = vector if not bias else _sum(bias[0], vector)
        if total is None or (bias and other.quant):
            return None
        return _again(graph, node, layer, (x, w, _bias(graph, total, other)), other)
    if isinstance(layer.op, ops.ConvTranspose) or any(
        v.const is None or v.quant is not None for v in (w, *bias)
    ):
        return None
    assert w.const is not None
    scaled = w.const * vector.reshape(-1, *(1,) * (w.type.rank - 1))
    forget(w.const)
    parts = [x, graph.constant(w.name, scaled)]
    parts += [graph.constant(b.name, b.const * vector) for b in bias if b.const is not None]
    return _again(graph, node, layer, tuple(parts), w)


def _sum(a: Value, b: Array) -> Array | None:
    return None if a.const is None or a.quant is not None else a.const + b


def _bias(graph: Graph, vector: Array, other: Value) -> Value:
    """Return the constant `other` as a vector, quantized in the same way."""
    bias = graph.constant(other.name, vector)
    bias.quant = other.quant
    return bias


def _product(graph: Graph, node: Node[Any], layer: Node[Any], other: Value) -> Value | None:
    """Add the bias of a product with a constant matrix."""
    x, w, *bias = layer.inputs
    if bias or w.const is None or w.type.rank != 2 or x.type.rank < 2 or other.const is None:
        return None
    vector = _by_channel(other.const, node.output, node.output.type.rank - 1)
    if vector is None or isinstance(layer.op, ops.MatMul):
        return None
    return _again(graph, node, layer, (x, w, _bias(graph, vector, other)), other)


def _again(
    graph: Graph, node: Node[Any], layer: Node[Any], inputs: tuple[Value, ...], old: Value
) -> Value:
    """Add the layer once more in the place of `node`; the constant made of `old` gets its name."""
    for value in inputs:
        if value is not old and value.const is not None:
            graph.take_name(value, old)
    return graph.add(layer.op, *inputs, name=node.output.name, at=layer.origin, before=node)

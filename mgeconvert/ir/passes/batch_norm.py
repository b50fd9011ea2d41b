"""Folding batch norm into the operator before it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np

from mgeconvert.ir.graph import Graph, Node, Value
from mgeconvert.ir.mapped import forget
from mgeconvert.ir.op import Array
from mgeconvert.ir.ops import BatchNorm, Conv, ConvTranspose, Linear
from mgeconvert.ir.passes.pipeline import graph_pass

PRODUCERS = (Conv, ConvTranspose, Linear)
THREADS = 2


@graph_pass()
def fold_batch_norm(graph: Graph) -> bool:
    """Rewrite batch_norm(conv(x, w, b)) to conv(x, w', b') where nobody else reads the conv.

    With f = scale / sqrt(variance + epsilon): w' = f w along the output channels and
    b' = f (b - mean) + bias. f and b' are computed in float64, w' in the element type of w.
    Transposed convolutions and linear layers of rank 2 likewise.
    """
    products: dict[Value, Callable[[], None]] = {}
    changed = False
    for node in graph:
        producer = _foldable(node) if isinstance(node.op, BatchNorm) else None
        if producer is None:
            continue
        if producer.inputs[1] in products:  # the batch norm of a batch norm
            _run(products)
        weight, multiply = _fold(graph, node, producer)
        products[weight] = multiply
        changed = True
    _run(products)
    return changed


def _run(products: dict[Value, Callable[[], None]]) -> None:
    """Compute the weights, which takes nearly all the time, and forget how."""
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(lambda multiply: multiply(), products.values()):
            pass
    products.clear()


def _foldable(node: Node[BatchNorm]) -> Node[Any] | None:
    x, *statistics = node.inputs
    producer = x.producer
    if producer is None or not isinstance(producer.op, PRODUCERS):
        return None
    alone = len(x.users) == 1 and not x.is_output
    constant = all(v.const is not None for v in (*statistics, *producer.inputs[1:]))
    rounded = any(v.quant is not None for v in (x, *producer.inputs[1:]))
    if not alone or not constant or rounded or not x.type.dtype.is_float:
        return None
    if isinstance(producer.op, Linear) and x.type.rank != 2:
        return None  # there the channels of the batch norm are not the features of the layer
    return producer if np.isfinite(_parts(node)[0]).all() else None


def _fold(
    graph: Graph, node: Node[BatchNorm], producer: Node[Any]
) -> tuple[Value, Callable[[], None]]:
    """Put the folded operator in place; return its weights, still empty, and what computes them."""
    factor, mean, bias = _parts(node)
    x, weight, *rest = producer.inputs
    before = _wide(rest[0]) if rest else 0.0
    assert weight.const is not None
    w = np.empty(weight.const.shape, weight.const.dtype)
    multiply = partial(_multiply, weight.const, factor, producer.op, w)
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
    return new_weight, multiply


def _parts(node: Node[BatchNorm]) -> tuple[Array, Array, Array]:
    """Return factor, mean and bias in float64."""
    scale, bias, mean, variance = (_wide(v) for v in node.inputs[1:])
    with np.errstate(all="ignore"):
        return scale / np.sqrt(variance + node.op.epsilon), mean, bias


def _multiply(w: Array, factor: Array, op: Any, result: Array) -> None:
    """Write w times the factor of each output channel to `result`, computed in float32 or wider."""
    wide = np.result_type(w.dtype, np.float32)
    ones = (1,) * (w.ndim - 2)
    if isinstance(op, ConvTranspose):  # axis 1 has the channels of each group
        by_group = factor.reshape(op.groups, 1, w.shape[1], *ones)
        shape = (op.groups, w.shape[0] // op.groups, *w.shape[1:])
        source, target = w.reshape(shape), result.reshape(shape)
    else:
        by_group, source, target = factor.reshape(-1, 1, *ones), w, result
    np.multiply(source, by_group.astype(wide), out=target, casting="same_kind", dtype=wide)
    forget(w)


def _wide(value: Value) -> Array:
    assert value.const is not None
    return value.const.astype(np.float64)

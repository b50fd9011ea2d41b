"""Passes that remove what is not needed."""

from __future__ import annotations

import numpy as np

from mgeconvert.ir.dims import Sym
from mgeconvert.ir.graph import Graph, Node, Value
from mgeconvert.ir.op import Array, Op
from mgeconvert.ir.ops import (
    Cast,
    DimVector,
    Expand,
    Identity,
    Reshape,
    Slice,
    Squeeze,
    Tile,
    Transpose,
    Unsqueeze,
)
from mgeconvert.ir.passes.pipeline import graph_pass
from mgeconvert.ir.passes.quant import carried

GROWS = (Expand, Tile)  # folding these can blow a file up
LARGE = 1024  # elements above which the result of an operator in GROWS is not stored


@graph_pass()
def fold_constants(graph: Graph) -> bool:
    """Compute the nodes whose inputs are all constant and whose attributes are all numbers."""
    changed = False
    for node in graph:
        if not _is_foldable(node):
            continue
        arrays = [v.const for v in node.inputs if v.const is not None]
        results = node.op.eval(arrays)
        kept = carried(node)
        values = []
        for old, array in zip(node.outputs, results, strict=True):
            new = graph.constant(old.name, np.ascontiguousarray(array).reshape(array.shape))
            new.quant = old.quant or kept
            values.append(new)
        graph.replace_node(node, *values)
        changed = True
    return changed


def _is_foldable(node: Node[Op]) -> bool:
    if any(v.const is None for v in node.inputs):
        return False
    if any(v.quant is not None for v in node.inputs) and not _keeps_rounding(node):
        return False
    if isinstance(node.op, DimVector) and any(isinstance(d, Sym) for d in node.op.dims):
        return False
    sizes = [v.type.size for v in node.outputs]
    if any(isinstance(size, Sym) for size in sizes):
        return False
    if isinstance(node.op, GROWS):
        before = max(v.type.size for v in node.inputs if isinstance(v.type.size, int))
        return all(isinstance(n, int) and n <= max(LARGE, before) for n in sizes)
    return True


def _keeps_rounding(node: Node[Op]) -> bool:
    """Return whether rounding the result is the same as rounding the operands."""
    quant = carried(node)
    return quant is not None and all(v.quant in (None, quant) for v in node.outputs)


@graph_pass()
def drop_dead(graph: Graph) -> bool:
    """Remove the nodes whose results nobody uses."""
    changed = False
    for node in reversed(list(graph)):
        if not any(v.is_used for v in node.outputs):
            graph.remove(node)
            changed = True
    return changed


@graph_pass()
def remove_identities(graph: Graph) -> bool:
    """Rewrite op(x) to x where op does nothing: identity, a reshape to the same shape and so on.

    Parameters of quantization move to x; an identity stays where x has others, or other users.
    """
    changed = False
    for node in graph:
        if not _does_nothing(node):
            continue
        (x,) = node.inputs
        if not _takes_quant(x, node.output):
            continue
        graph.replace_node(node, x)
        changed = True
    return changed


def _takes_quant(x: Value, y: Value) -> bool:
    """Give x the parameters of y, which does nothing else; False where x must stay without."""
    if y.quant is None or y.quant == x.quant:
        return True
    if x.quant is not None or x.is_output or len(x.users) > 1:
        return False
    x.quant = y.quant
    return True


def _does_nothing(node: Node[Op]) -> bool:
    op = node.op
    if isinstance(op, Identity):
        return True
    if isinstance(op, Transpose):
        return op.perm == tuple(range(len(op.perm)))
    if isinstance(op, Slice):
        return node.inputs[0].type == node.output.type and set(op.steps) <= {1}
    same = (Reshape, Expand, Tile, Cast, Squeeze, Unsqueeze)
    return isinstance(op, same) and node.inputs[0].type == node.output.type


@graph_pass()
def merge_constants(graph: Graph) -> bool:
    """Keep one of several constants that are equal bit for bit."""
    kept: dict[tuple[object, ...], list[Value]] = {}
    changed = False
    for value in graph.constants():
        array = value.const
        assert array is not None
        head = array.flat[:16].tobytes()  # reshaping a permuted view copied all of it
        key = (value.type, value.quant, head)
        equal = next((v for v in kept.get(key, ()) if _same_bits(v.const, array)), None)
        if equal is None:
            kept.setdefault(key, []).append(value)
            continue
        graph.replace(value, equal)
        changed = True
    return changed


def _same_bits(a: Array | None, b: Array) -> bool:
    assert a is not None
    if a is b:
        return True
    as_bytes = f"V{a.dtype.itemsize}"
    return bool(
        (np.ascontiguousarray(a).view(as_bytes) == np.ascontiguousarray(b).view(as_bytes)).all()
    )

"""Moving transpositions out of the graph: the ports get other layouts."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from mgeconvert.ir.graph import Graph, Node, Port
from mgeconvert.ir.ops import Reshape, Transpose
from mgeconvert.ir.passes.layout.perms import Perm, inverse, is_identity, order, permuted
from mgeconvert.ir.passes.layout.quant import permuted_quant
from mgeconvert.ir.types import TensorType

IMAGES = (4, 5)


def channels_last(rank: int) -> Perm:
    """Return the permutation from N,C,spatial to N,spatial,C."""
    return (0, *range(2, rank), 1)


def move_to_ports(graph: Graph, *, ranks: Collection[int] = IMAGES) -> dict[str, Perm]:
    """Give inputs and outputs of these ranks their channels last where that saves transpositions.

    An input changes if everybody who reads it transposes it to N,spatial,C; an output changes if it
    comes from N,spatial,C. Returned are the ports that changed, with the permutation that leads
    from the old layout to the new one.
    """
    changed: dict[str, Perm] = {}
    for port in graph.inputs:
        if port.value.type.rank in ranks and _input_changes(port):
            changed[port.name] = channels_last(port.value.type.rank)
            _change_input(graph, port)
    outputs = [p for p in graph.outputs if p.value.type.rank in ranks and _output_changes(p)]
    for port in outputs:
        changed[port.name] = channels_last(port.value.type.rank)
        _change_output(graph, port)
    return changed


def _input_changes(port: Port) -> bool:
    perm = channels_last(port.value.type.rank)
    users = port.value.users
    return bool(users) and not port.value.is_output and all(_does(n, perm) for n in users)


def _does(node: Node[Any], perm: Perm) -> bool:
    """Return whether the node does nothing but to permute its operand by `perm`."""
    if not isinstance(node.op, (Transpose, Reshape)) or is_identity(perm):
        return False
    (x,) = node.inputs
    shape = x.type.shape
    if len(shape) != len(perm) or permuted_quant(x.quant, perm) != node.output.quant:
        return False
    if isinstance(node.op, Transpose):
        return bool(node.op.perm == perm)
    still = order(perm, shape) == order(tuple(range(len(perm))), shape)
    return still and node.op.shape == permuted(shape, perm) != shape


def _change_input(graph: Graph, port: Port) -> None:
    old, perm = port.value, channels_last(port.value.type.rank)
    type_ = TensorType(old.type.dtype, permuted(old.type.shape, perm))
    new = graph.exchange_input(port.name, type_)
    new.quant = permuted_quant(old.quant, perm)
    for node in old.users:
        graph.replace(node.output, new)
        graph.remove(node)
    graph.take_name(new, old)


def _output_changes(port: Port) -> bool:
    node, rank = port.value.producer, port.value.type.rank
    if node is None or not _does(node, inverse(channels_last(rank))):
        return False
    (x,) = node.inputs
    return x.producer is not None and not x.is_output


def _change_output(graph: Graph, port: Port) -> None:
    node = port.value.producer
    assert node is not None
    (x,) = node.inputs
    graph.exchange_output(port.name, x)
    if not node.output.is_used:
        graph.take_name(x, node.output)
        graph.remove(node)

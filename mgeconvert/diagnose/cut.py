"""Parts of a graph as graphs of their own, with fixed sizes and the inputs that they had."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from mgeconvert.ir import Array, DType, Graph, Node, TensorType, Value
from mgeconvert.ir.interpret import bindings, evaluate
from mgeconvert.ir.text import show


@dataclass(frozen=True)
class Piece:
    """A graph as text, the constants that the text does not write out, and inputs by port name."""

    text: str
    constants: Mapping[str, Array]
    inputs: Mapping[str, Array]
    nodes: int


def pieces(
    graph: Graph,
    value: Value,
    feeds: Mapping[str, Array],
    *,
    good: Set[Value] = frozenset(),
    quantized: bool = False,
) -> Iterator[Piece]:
    """Yield parts of the graph that end in `value`, each twice as large, the last is all behind it.

    The first ends at the values that are known to be `good`; if none is, it is the operator alone.
    """
    if value.producer is None:
        return
    inside = _between(value.producer, good)
    while True:
        yield _piece(graph, inside, value, feeds, quantized=quantized)
        grown = _grown(inside, 2 * len(inside))
        if len(grown) == len(inside):
            return
        inside = grown


def _between(node: Node[Any], good: Set[Value]) -> dict[Node[Any], None]:
    """Return the node and what lies between it and good values."""
    inside: dict[Node[Any], None] = {node: None}
    waiting = [node] if good else []
    while waiting:
        for value in waiting.pop().inputs:
            if value.producer and value not in good and value.producer not in inside:
                inside[value.producer] = None
                waiting.append(value.producer)
    return inside


def _grown(inside: Mapping[Node[Any], None], size: int) -> dict[Node[Any], None]:
    """Return the nodes and those in front of them, nearest first, up to `size` nodes."""
    grown, waiting = dict(inside), deque(inside)
    while waiting and len(grown) < size:
        for value in waiting.popleft().inputs:
            if value.producer and value.producer not in grown and len(grown) < size:
                grown[value.producer] = None
                waiting.append(value.producer)
    return grown


def _piece(
    graph: Graph,
    inside: Mapping[Node[Any], None],
    value: Value,
    feeds: Mapping[str, Array],
    *,
    quantized: bool,
) -> Piece:
    made = {v for node in inside for v in node.outputs}
    needed = {v for node in inside for v in node.inputs if v.const is None and v not in made}
    arrays = _arrays(graph, needed, feeds, quantized=quantized)
    known = bindings(graph, feeds)
    part = Graph()
    names = {v: part.input(v.name, _type(array)) for v, array in arrays.items()}
    for old, new in names.items():
        new.quant = old.quant
    for node in graph:
        if node in inside:
            _copy(part, node, names, known)
    part.output(value.name, names[value])
    constants = {v.name: v.const for v in part.constants() if v.const is not None}
    inputs = {v.name: array for v, array in arrays.items()}
    return Piece(show(part), constants, inputs, len(part))


def _copy(
    part: Graph, node: Node[Any], names: dict[Value, Value], known: Mapping[str, int]
) -> None:
    for value in node.inputs:
        if value not in names:
            assert value.const is not None
            names[value] = part.constant(value.name, value.const)
            names[value].quant = value.quant
    made = part.add_multi(
        node.op.bound(known),
        *(names[v] for v in node.inputs),
        names=[v.name for v in node.outputs],
        at=node.origin,
    )
    for old, new in zip(node.outputs, made):
        names[old] = new
        new.quant = old.quant


def _arrays(
    graph: Graph, needed: Set[Value], feeds: Mapping[str, Array], *, quantized: bool
) -> dict[Value, Array]:
    """Return what the values hold, in the graph's order."""
    found = {p.value: feeds[p.name] for p in graph.inputs if p.value in needed}

    def observe(value: Value, array: Array) -> None:
        if value in needed:
            found[value] = array

    evaluate(graph, feeds, observe, quantized=quantized)
    return found


def _type(array: Array) -> TensorType:
    return TensorType(DType.of(array), array.shape)

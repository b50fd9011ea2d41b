"""Counting the transpositions of a graph."""

from __future__ import annotations

from dataclasses import dataclass

from mgeconvert.ir.graph import Graph
from mgeconvert.ir.ops import Transpose


@dataclass(frozen=True)
class Transposes:
    """How many there are between operators, and how many that read an input or feed an output."""

    inside: int
    at_ports: int


def count_transposes(graph: Graph) -> Transposes:
    """Return the number of transpositions in the graph."""
    inputs = {port.value for port in graph.inputs}
    outer = [
        node.inputs[0] in inputs or node.output.is_output
        for node in graph
        if isinstance(node.op, Transpose)
    ]
    return Transposes(inside=len(outer) - sum(outer), at_ports=sum(outer))

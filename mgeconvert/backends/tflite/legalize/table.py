"""Rewriting the IR's operators to those that TFLite has, one rule for each operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mgeconvert.backends.base import location
from mgeconvert.errors import ConversionFailed, ConvertError
from mgeconvert.ir import Graph, Node, Op, Value
from mgeconvert.ir.builder import Builder
from mgeconvert.rules import Rules


class Rewriter(Builder):
    """Adds nodes just before the one that they will replace."""

    def __init__(self, graph: Graph, node: Node[Any]) -> None:
        super().__init__(graph, node.origin, node.outputs[0].name)
        self.node = node
        self.made: list[Node[Any]] = []

    def emit(self, op: Op, *inputs: Value) -> Value:
        """Add an operator with one output."""
        (value,) = self.emit_multi(op, *inputs)
        return value

    def emit_multi(self, op: Op, *inputs: Value) -> tuple[Value, ...]:
        """Add an operator with several outputs."""
        values = self.graph.add_multi(op, *inputs, names=(self.name,), at=self.at, before=self.node)
        producer = values[0].producer
        assert producer is not None
        self.made.append(producer)
        return values


Legalize = Callable[[Rewriter, Node[Any]], Value | Sequence[Value] | None]
"""Return what takes the place of the node's outputs, or None where it may stay as it is."""

LEGAL: Rules[type[Op], Legalize] = Rules("tflite")


def legalize(graph: Graph) -> bool:
    """Rewrite every operator that TFLite does not have, or has in another form.

    What a rule adds is rewritten in turn. Raises ConversionFailed with all the problems.
    """
    problems: list[ConvertError] = []
    changed = False
    stack = list(graph)[::-1]
    while stack:
        node = stack.pop()
        rule = LEGAL.find(type(node.op))
        if rule is None:
            continue
        rewriter = Rewriter(graph, node)
        try:
            result = rule(rewriter, node)
        except ConvertError as error:
            error.at = location("tflite", node)
            problems.append(error)
            continue
        if result is None:
            continue
        changed = True
        _replace(graph, node, [result] if isinstance(result, Value) else result)
        stack.extend(rewriter.made[::-1])
    if problems:
        raise ConversionFailed(problems)
    return changed


def _replace(graph: Graph, node: Node[Any], values: Sequence[Value]) -> None:
    for old, new in zip(node.outputs, values, strict=True):
        if new.quant is None and new.producer is not None:
            new.quant = old.quant
    graph.replace_node(node, *values)

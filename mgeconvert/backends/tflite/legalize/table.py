"""Rewriting the IR's operators to those that TFLite has, one rule for each operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mgeconvert.backends.base import location
from mgeconvert.errors import ConversionFailed, ConvertError, UnsupportedCase
from mgeconvert.ir import DType, Graph, Node, Op, Value, ops
from mgeconvert.ir.builder import Builder
from mgeconvert.rules import Rules


@dataclass(frozen=True)
class LegalizeOptions:
    """What the manifest's `TfliteOptions` says of the forms to prefer."""

    prefer_same_pad_mode: bool = False


@dataclass(frozen=True)
class Session:
    """What the rules of one run share: the options, and indices that have been counted."""

    options: LegalizeOptions = LegalizeOptions()
    counted: set[Value] = field(default_factory=set)  # from the front, none is negative


class Rewriter(Builder):
    """Adds nodes just before the one that they will replace."""

    def __init__(self, graph: Graph, node: Node[Any], session: Session | None = None) -> None:
        super().__init__(graph, node.origin, node.outputs[0].name)
        self.node = node
        self.session = session or Session()
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


NOT_COMPUTED = (DType.F64, DType.U64)
"""Element types that no kernel of LiteRT computes in."""

STORED: tuple[type[Op], ...] = (
    *(ops.Identity, ops.Reshape, ops.Squeeze, ops.Unsqueeze, ops.Cast, ops.DimVector),
)
"""Operators that have other element types, too."""


def legalize(graph: Graph, options: LegalizeOptions = LegalizeOptions()) -> bool:
    """Rewrite every operator that TFLite does not have, or has in another form.

    What a rule adds is rewritten in turn. Raises ConversionFailed with all the problems.
    """
    problems = [p for node in graph if (p := _type_problem(node)) is not None]
    if problems:
        raise ConversionFailed(problems)
    session = Session(options)
    changed = False
    stack = list(graph)[::-1]
    while stack:
        node = stack.pop()
        rule = LEGAL.find(type(node.op))
        if rule is None:
            continue
        rewriter = Rewriter(graph, node, session)
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


def _type_problem(node: Node[Any]) -> ConvertError | None:
    """Return the refusal of an operator on float64 or uint64, or None."""
    types = {v.type.dtype for v in (*node.inputs, *node.outputs)}
    found = [t for t in NOT_COMPUTED if t in types]
    if not found or (type(node.op) in STORED and not _casts_uint64(node)):
        return None
    return UnsupportedCase(
        f"{type(node.op).__name__} of {found[0].value}: LiteRT has no kernel for it",
        at=location("tflite", node),
        hint="use float32 and int64 at most",
    )


def _casts_uint64(node: Node[Any]) -> bool:
    types = {v.type.dtype for v in (*node.inputs, *node.outputs)}
    return isinstance(node.op, ops.Cast) and DType.U64 in types


def _replace(graph: Graph, node: Node[Any], values: Sequence[Value]) -> None:
    for old, new in zip(node.outputs, values, strict=True):
        if new.quant is None and new.producer is not None:
            new.quant = old.quant
    graph.replace_node(node, *values)

"""The invariants of a graph, checked before and after every pass."""

from __future__ import annotations

from typing import Any

from mgeconvert.errors import ConvertError, InternalError
from mgeconvert.ir.graph import Graph, Node, Value
from mgeconvert.ir.quantize import problem
from mgeconvert.ir.types import DType, TensorType


def verify(graph: Graph) -> None:
    """Raise InternalError at the first broken invariant."""
    defined: set[Value] = {p.value for p in graph.inputs}
    names: set[str] = {v.name for v in defined}
    uses: dict[Value, dict[Node[Any], int]] = {}
    for value in (*defined, *graph.constants()):
        _verify_quant(value)
    for node in graph:
        _verify_arity(node)
        for value in node.inputs:
            if value.const is None and value not in defined:
                raise InternalError(f"{node}: {value} is not defined before it")
            counts = uses.setdefault(value, {})
            counts[node] = counts.get(node, 0) + 1
        _verify_types(node)
        for index, value in enumerate(node.outputs):
            if value.producer is not node or value.index != index:
                raise InternalError(f"{node}: {value} has another producer")
            if value.name in names:
                raise InternalError(f"{node}: the name {value.name} is defined twice")
            _verify_quant(value)
            names.add(value.name)
            defined.add(value)
    _verify_uses(graph, uses)
    _verify_ports(graph, defined)


def _verify_quant(value: Value) -> None:
    wrong = problem(value.type, value.quant) if value.quant else ""
    if wrong:
        raise InternalError(f"{value}: {wrong}")


def _verify_arity(node: Node[Any]) -> None:
    most = len(node.op.operands)
    least = most - node.op.optional - node.op.variadic
    count = len(node.inputs)
    if count < least or (count > most and not node.op.variadic):
        raise InternalError(f"{node}: {count} inputs for {node.op.operands}")


def _verify_types(node: Node[Any]) -> None:
    for value in node.inputs:
        if value.const is not None:
            actual = TensorType(DType.of(value.const), value.const.shape)
            if actual != value.type:
                raise InternalError(f"{node}: constant {value} holds {actual}")
    try:
        inferred = node.op.infer([v.type for v in node.inputs])
    except ConvertError as error:
        raise InternalError(f"{node}: {error}") from error
    if inferred != tuple(v.type for v in node.outputs):
        raise InternalError(f"{node}: operator says {', '.join(map(str, inferred))}")


def _verify_uses(graph: Graph, uses: dict[Value, dict[Node[Any], int]]) -> None:
    values = {v for node in graph for v in (*node.inputs, *node.outputs)}
    for value in values:
        if value._uses != uses.get(value, {}):
            raise InternalError(f"{value}: its list of users is wrong")


def _verify_ports(graph: Graph, defined: set[Value]) -> None:
    counts: dict[Value, int] = {}
    for port in graph.outputs:
        if port.value.const is None and port.value not in defined:
            raise InternalError(f"output {port.name!r} is not defined")
        counts[port.value] = counts.get(port.value, 0) + 1
    for value, count in counts.items():
        if value._ports != count:
            raise InternalError(f"{value}: feeds {count} outputs, not {value._ports}")
    for ports in (graph.inputs, graph.outputs):
        names = [p.name for p in ports]
        if len(set(names)) != len(names):
            raise InternalError(f"two ports share a name: {sorted(names)}")

"""From the records of an ONNX model to the IR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mgeconvert.errors import (
    ConversionFailed,
    ConvertError,
    Location,
    UnreadableSource,
    UnsupportedCase,
    UnsupportedOp,
)
from mgeconvert.frontends import Watch, unwatched
from mgeconvert.frontends.names import candidates
from mgeconvert.frontends.onnx.call import Call, Quantized
from mgeconvert.frontends.onnx.records import OnnxModel, OnnxNode
from mgeconvert.frontends.onnx.rules import REFUSED, RULES
from mgeconvert.frontends.onnx.rules.table import NEWEST, Rule
from mgeconvert.frontends.onnx.signature import need_types
from mgeconvert.frontends.onnx.symbols import Shapes, input_types
from mgeconvert.ir import Graph, Value
from mgeconvert.ir.passes import drop_dead

STAGE = "onnx"
HINT = "see docs/operators.md for what is handled, or write the model without it"


class Lifter:
    """Adds the nodes of a model to an IR graph."""

    def __init__(self, model: OnnxModel, watch: Watch = unwatched) -> None:
        self.model, self._watch = model, watch
        self.graph = Graph()
        self.problems: list[ConvertError] = []
        self.env: dict[str, Value] = {}
        self._quantized: Quantized = {}

    def inputs(self, shapes: Shapes) -> None:
        """Add the input ports."""
        for name, type_ in input_types(self.model.inputs, shapes).items():
            self.env[name] = self.graph.input(name, type_)

    def run(self, nodes: Sequence[OnnxNode]) -> None:
        """Lift the nodes in order; those that need the result of a failed one only need a rule."""
        for node in nodes:
            at = Location(STAGE, node.op_type, node.title)
            try:
                rule = self._rule(node)
                inputs = [self._value(name) if name else None for name in node.inputs]
                if all(v is not None for v, name in zip(inputs, node.inputs) if name):
                    self._apply(rule, node, at, inputs)
            except ConvertError as error:
                error.at = error.at or at
                self.problems.append(error)

    def _value(self, name: str) -> Value | None:
        """Return what a name stands for; None where that could not be lifted."""
        if name not in self.env and name in self.model.initializers:
            tensor = self.model.initializers[name]
            try:
                self.env[name] = self.graph.constant(name, tensor.load())
            except ConvertError as error:
                error.at = Location(STAGE, "initializer", name)
                raise
        return self.env.get(name)

    def _rule(self, node: OnnxNode) -> Rule:
        if (node.domain, node.op_type) in self.model.functions:
            raise UnsupportedOp(f"{node.op_type} is a function of the model", hint="inline it")
        if node.domain:
            raise UnsupportedOp(f"{node.op_type} of the domain {node.domain!r}", hint=HINT)
        if not node.version:
            raise UnsupportedOp(
                f"ONNX has no operator {node.op_type} at opset {self.model.opset}", hint=HINT
            )
        found = RULES.find(node.op_type, node.version) if node.version <= NEWEST else None
        if found is None:
            raise UnsupportedOp(_reason(node), hint=HINT)
        return found

    def _apply(
        self, rule: Rule, node: OnnxNode, at: Location, inputs: Sequence[Value | None]
    ) -> None:
        need_types(node, inputs)
        name = next(filter(None, node.outputs), node.title)
        call = Call(self.graph, at, name, node=node, quantized=self._quantized)
        result: Any = rule(call, *inputs)
        results = result if isinstance(result, tuple) else (result,)
        if len(results) < len(node.outputs):
            results = (*results, *[None] * (len(node.outputs) - len(results)))
        for name, value in zip(node.outputs, results):
            if not name:
                continue
            if value is None:
                raise UnsupportedCase(f"its output {name!r}")
            self.env[name] = call.shortened(value)
            _rename(call, self.env[name], name)
            self._watch(name, self.env[name])


def _reason(node: OnnxNode) -> str:
    if node.op_type in REFUSED:
        return REFUSED[node.op_type]
    first = RULES.first(node.op_type)
    if first is not None and node.version > NEWEST:
        return f"{node.op_type} as of opset {node.version}"
    if first is not None:
        return f"{node.op_type} as of opset {node.version}, where it is known from {first} on"
    return f"no rule for the operator {node.op_type}"


def _rename(call: Call, value: Value, name: str) -> None:
    """Give a result the name of its tensor, which a value on the way to it may have."""
    if value.name == name or value not in call.made:
        return
    for other in call.made:
        if other.name == name:
            other.name, value.name = value.name, other.name
            return
    value.name = call.graph.unique(name)


def lift(
    model: OnnxModel, *, shapes: Shapes, outputs: Sequence[str], watch: Watch = unwatched
) -> Graph:
    """Return the IR of `model`; raise ConversionFailed with all the problems found.

    `shapes` overrides the shapes of inputs by name. `outputs` names tensors as end points; without
    them the model's own outputs are taken. `watch` is shown each tensor that a node computes.
    """
    wanted = tuple(outputs) or model.outputs
    _need_order(model)
    _need_end_points(model, wanted)
    _need_inputs(model, shapes)
    lifter = Lifter(model, watch)
    lifter.inputs(shapes)
    lifter.run(_needed(model, wanted))
    for name in wanted:
        try:
            value = lifter._value(name)
        except ConvertError as error:
            lifter.problems.append(error)
            continue
        if value is not None:
            lifter.graph.output(name, value)
    if lifter.problems:
        raise ConversionFailed(lifter.problems)
    drop_dead.run(lifter.graph)
    return lifter.graph


def _need_order(model: OnnxModel) -> None:
    """Raise UnreadableSource unless each name is defined once, and before it is read."""
    defined = {p.name for p in model.inputs} | set(model.initializers)
    if len(defined) < len(model.inputs) + len(model.initializers) or "" in defined:
        raise UnreadableSource("two inputs share a name", at=Location(STAGE))
    for node in model.nodes:
        at = Location(STAGE, node.op_type, node.title)
        for name in filter(None, node.inputs):
            if name not in defined:
                raise UnreadableSource(f"it reads {name!r}, which nothing before it makes", at=at)
        for name in filter(None, node.outputs):
            if name in defined:
                raise UnreadableSource(f"{name!r} is made twice", at=at)
            defined.add(name)


def _need_end_points(model: OnnxModel, names: Sequence[str]) -> None:
    made = [name for node in model.nodes for name in node.outputs if name]
    known = dict.fromkeys([*made, *(p.name for p in model.inputs), *model.initializers])
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UnsupportedCase(
            f"the model has no tensor {', '.join(map(repr, unknown))}",
            at=Location(STAGE),
            hint=candidates(unknown[0], known),
        )
    if len(set(names)) != len(names) or not names:
        problem = "two outputs share a name" if names else "the model has no outputs"
        raise UnreadableSource(problem, at=Location(STAGE))


def _need_inputs(model: OnnxModel, shapes: Mapping[str, Any]) -> None:
    names = [p.name for p in model.inputs]
    unknown = sorted(set(shapes) - set(names))
    if unknown:
        raise UnsupportedCase(
            f"the model has no input {', '.join(map(repr, unknown))}",
            at=Location(STAGE),
            hint=f"its inputs are {', '.join(map(repr, names))}",
        )


def _needed(model: OnnxModel, names: Sequence[str]) -> list[OnnxNode]:
    """Return the nodes behind tensors, in order."""
    wanted, found = set(names), []
    for node in reversed(model.nodes):
        if not wanted.isdisjoint(filter(None, node.outputs)):
            found.append(node)
            wanted.update(node.inputs)
    return found[::-1]

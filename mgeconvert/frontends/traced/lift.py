"""From the records of a TracedModule to the IR."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from mgeconvert.errors import (
    ConversionFailed,
    ConvertError,
    Location,
    UnsupportedCase,
    UnsupportedOp,
)
from mgeconvert.frontends import Watch, unwatched
from mgeconvert.frontends.names import distinct
from mgeconvert.frontends.traced.call import Call, bound
from mgeconvert.frontends.traced.quant import Declared, stored
from mgeconvert.frontends.traced.records import (
    Apply,
    CallFunction,
    CallMethod,
    CallModule,
    Constant,
    Expression,
    GetAttr,
    Module,
    Node,
    Tensor,
    TracedModel,
    Tree,
)
from mgeconvert.frontends.traced.records import Graph as Record
from mgeconvert.frontends.traced.rules import RULES
from mgeconvert.ir import DType, Graph, TensorType, Value
from mgeconvert.ir.dims import Shape, dim
from mgeconvert.ir.ops import Identity

STAGE = "traced"


class _Missing(Exception):
    """An operand comes from an expression that failed before."""


class Lifter:
    """Walks the graphs of a model and adds to one IR graph."""

    def __init__(self, outputs: Sequence[Node], watch: Watch = unwatched) -> None:
        self.graph = Graph()
        self.problems: list[ConvertError] = []
        self.found: dict[Node, Value] = {}  # the end points met so far
        self._wanted, self._watch = frozenset(outputs), watch
        self._parameters: dict[Tensor, Value] = {}
        self._declared: dict[Value, Declared] = {}
        self._reserved: set[str] = set()

    def reserve(self, record: Record, path: str) -> None:
        """Keep the names of nodes for them, so that no value on the way to another has one."""
        for expression in record.expressions:
            if isinstance(expression, CallModule) and expression.graph is not None:
                self.reserve(expression.graph, expression.module.path)
            elif not isinstance(expression, (GetAttr, Constant)):
                names = {_below(path, node.name) for node in expression.outputs} - self._reserved
                self._reserved.update(map(self.graph.unique, sorted(names)))

    def run(self, record: Record, env: dict[Node, Any], path: str) -> Tree:
        """Lift the expressions of `record`, whose inputs are in `env`; return its result tree."""
        for expression in record.expressions:
            call = self._call(expression, path)
            try:
                self._lift(call, expression, env, path)
            except _Missing:
                continue
            except ConvertError as error:
                error.at = error.at or call.at
                self._note(error)
        return _replace(record.result, env)

    def _note(self, error: ConvertError) -> None:
        """Keep a problem once, however often the module that has it is called."""
        if all(error.as_dict() != known.as_dict() for known in self.problems):
            self.problems.append(error)

    def _call(self, expression: Expression, path: str) -> Call:
        outputs = _outputs(expression)
        name = _below(path, outputs[0].name if outputs else "none")
        at = Location(STAGE, _title(expression), name, path)
        return Call(self.graph, at, name, self._parameters, self._declared)

    def _lift(self, call: Call, expression: Expression, env: dict[Node, Any], path: str) -> None:
        if isinstance(expression, (GetAttr, Constant)):
            env[expression.output] = self._held(call, expression)
            return
        result = self._result(call, expression, env)
        _assign(
            expression.result if not isinstance(expression, Apply) else expression.outputs,
            result,
            env,
        )
        for node in _outputs(expression):
            value = env.get(node)
            if isinstance(value, Value):
                value = env[node] = _quantized(call, value, node)
                self._entitle(call, value, _below(path, node.name))
                self._watch(f"{node.id}:{node.name}", value)
            if node in self._wanted and isinstance(value, Value):
                self.found[node] = value

    def _entitle(self, call: Call, value: Value, name: str) -> None:
        """Give a result the name of its node; numbered where its module is called again."""
        if value not in call.made:
            return
        if name in self._reserved:
            self._reserved.discard(name)
            value.name = name
            return
        same = [other for other in call.made if other.name.rpartition("_")[0] == name]
        if same:
            same[0].name, value.name = value.name, same[0].name

    def _held(self, call: Call, expression: GetAttr | Constant) -> Value | Module:
        """Return what a module holds; parameters are called by their path."""
        value = expression.value
        if isinstance(value, Module):
            return value
        if isinstance(expression, Constant):
            return call.parameter(value, call.name)
        return call.parameter(value, _below(call.at.path, expression.path))

    def _result(
        self,
        call: Call,
        expression: CallModule | CallMethod | CallFunction | Apply,
        env: dict[Node, Any],
    ) -> Any:
        if isinstance(expression, Apply):
            inputs = [_replace(node, env) for node in expression.inputs]
            return self._apply(call, key(expression), (*inputs,), expression.params)
        args = tuple(_replace(a, env) for a in expression.args)
        kwargs = {k: _replace(v, env) for k, v in expression.kwargs.items()}
        if isinstance(expression, CallModule):
            return self._module(call, expression, args, kwargs)
        if isinstance(expression, CallMethod) and isinstance(expression.object, Node):
            args = (_replace(expression.object, env), *args)
        return self._apply(call, key(expression), args, kwargs)

    def _module(
        self, call: Call, expression: CallModule, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        if expression.graph is not None:
            env: dict[Node, Any] = {}
            record = expression.graph
            _assign(tuple(record.args), args, env)
            _assign(dict(record.kwargs), kwargs, env)
            return self.run(record, env, expression.module.path)
        call.module = expression.module
        call.at = Location(STAGE, call.at.op, call.name, expression.module.path)
        return self._apply(call, key(expression), args, kwargs)

    def _apply(self, call: Call, key: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        rule = RULES.find(key)
        if rule is None:
            kind, _, name = key.partition(":")
            raise UnsupportedOp(f"no rule for the {kind} {name}", hint=_suggestion(name))
        known = bound(call, rule, args, kwargs)
        return rule(*known.args, **known.kwargs)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _quantized(call: Call, value: Value, node: Node) -> Value:
    """Return the value with the quantized element type that the file gives it."""
    quant = stored(node.dtype)
    if quant is None or value.quant == quant or not value.type.dtype.is_float:
        return value
    if value.quant is not None or value.producer is None:
        value = call.emit(Identity(), value)
    value.quant = quant
    return value


def lift(
    model: TracedModel,
    *,
    shapes: Mapping[str, Sequence[int | str]],
    outputs: Sequence[str],
    watch: Watch = unwatched,
) -> Graph:
    """Return the IR of `model`; raise ConversionFailed with all the problems found.

    `shapes` overrides the shapes of inputs by name. `outputs` names end points; without them the
    model's own outputs are taken. `watch` is shown each tensor that a node stands for.
    """
    record = model.graph
    wanted = [node for name in outputs for node in model.find(name)]
    lifter = Lifter(wanted, watch)
    env: dict[Node, Any] = {}
    _need_names(shapes, [n.name for n in record.inputs])
    for node in record.inputs:
        env[node] = lifter.graph.input(node.name, _input_type(node, shapes.get(node.name)))
    lifter.reserve(record, "")
    with contextlib.suppress(_Missing):  # the reason is among the problems
        lifter.run(record, env, "")
    if lifter.problems:
        raise ConversionFailed(lifter.problems)
    if outputs:
        _publish_end_points(lifter, wanted)
    else:
        _publish(lifter.graph, record, env)
    return lifter.graph


def _publish(graph: Graph, record: Record, env: Mapping[Node, Any]) -> None:
    names = distinct([node.name for node in record.outputs])
    for name, node in zip(names, record.outputs):
        graph.output(name, env[node])


def _publish_end_points(lifter: Lifter, wanted: Sequence[Node]) -> None:
    missing = [node.qualname for node in wanted if node not in lifter.found]
    if missing:
        raise UnsupportedCase(
            f"the end points {', '.join(missing)} are not computed by the model's main path"
        )
    for node in wanted:
        lifter.graph.output(lifter.found[node].name, lifter.found[node])


def _input_type(node: Node, override: Sequence[int | str] | None) -> TensorType:
    if node.dtype is None or node.shape is None:
        raise UnsupportedCase(
            f"the file does not tell the shape and element type of input {node.name!r}"
        )
    shape: Shape = node.shape if override is None else tuple(dim(d) for d in override)
    if len(shape) != len(node.shape):
        raise UnsupportedCase(
            f"input {node.name!r} has {len(node.shape)} axes, the manifest gives {len(shape)}"
        )
    plain = {"int64": "int32", "float64": "float32"}.get(node.dtype.name, node.dtype.name)
    return TensorType(DType(plain), shape)


def _need_names(shapes: Mapping[str, Any], names: Sequence[str]) -> None:
    unknown = sorted(set(shapes) - set(names))
    if unknown:
        raise UnsupportedCase(
            f"the model has no input {', '.join(map(repr, unknown))}",
            hint=f"its inputs are {', '.join(map(repr, names))}",
        )


def _replace(tree: Tree, env: Mapping[Node, Any]) -> Any:
    """Put values in the place of nodes."""
    if isinstance(tree, Node):
        if tree not in env:
            raise _Missing
        return env[tree]
    if isinstance(tree, (list, tuple)):
        return type(tree)(_replace(item, env) for item in tree)
    if isinstance(tree, dict):
        return {key: _replace(item, env) for key, item in tree.items()}
    if isinstance(tree, slice):
        return slice(*(_replace(part, env) for part in (tree.start, tree.stop, tree.step)))
    return tree


def _assign(tree: Tree, result: Any, env: dict[Node, Any]) -> None:
    """Note the leaves of `result` for the nodes of a tree of the same structure."""
    if isinstance(tree, Node):
        env[tree] = result
    elif isinstance(tree, (list, tuple)):
        items = result if isinstance(result, (list, tuple)) else (result,)
        for part, item in zip(tree, items, strict=True):
            _assign(part, item, env)
    elif isinstance(tree, Mapping):
        for key, part in tree.items():
            _assign(part, result[key], env)


def _outputs(expression: Expression) -> tuple[Node, ...]:
    if isinstance(expression, (GetAttr, Constant)):
        return (expression.output,)
    return expression.outputs


def key(expression: CallModule | CallMethod | CallFunction | Apply) -> str:
    """Return what the rule for an expression is registered under."""
    if isinstance(expression, Apply):
        return f"apply:{expression.opdef}"
    if isinstance(expression, CallMethod):
        return f"method:{expression.method}"
    if isinstance(expression, CallModule):
        return f"module:{class_key(str(expression.module.kind))}"
    return f"function:{str(expression.function).removeprefix('megengine.functional.')}"


def class_key(kind: str) -> str:
    """Return "Conv2d" for megengine.module.conv.Conv2d, "qat.Conv2d" for the one of qat."""
    family, _, _ = kind.removeprefix("megengine.module.").partition(".")
    name = kind.rpartition(".")[2]
    return f"{family}.{name}" if family in ("qat", "quantized") else name


def _title(expression: Expression) -> str:
    if isinstance(expression, (GetAttr, Constant)):
        return type(expression).__name__
    return key(expression).partition(":")[2]


def _suggestion(name: str) -> str:
    return "see docs/operators.md for what is handled, or write the model without it"

"""Turn the stand-ins of a TracedModule into records, every name resolved; records only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from mgeconvert.errors import Location, UnsupportedCase
from mgeconvert.frontends.traced import records as r
from mgeconvert.frontends.traced import vocabulary as v
from mgeconvert.frontends.traced.stubs import Name, Stub, Value
from mgeconvert.frontends.traced.trees import Trees
from mgeconvert.frontends.traced.values import Values, damaged
from mgeconvert.frontends.traced.vet import unsafe

BOOKKEEPING = {
    *("_modules", "_forward_pre_hooks", "_forward_hooks", "_m_dump_modulestate", "argspec"),
    *("argdef_graph_map", "argdef_outdef_map", "watch_points", "watch_node_value"),
    *("end_points", "dump_info"),
}
"""Attributes of a module that say nothing about what it computes."""


@dataclass
class _Scope:
    """The values of one graph that are known so far, and what its module values are."""

    defined: set[int] = field(default_factory=set)
    modules: dict[int, r.Module] = field(default_factory=dict)


class Builder:
    """Makes the records of one file; the pickle must be kept meanwhile."""

    def __init__(self, vocabulary: v.Vocabulary) -> None:
        self._values = Values()
        self._trees = Trees(self._values)
        self._nodes: dict[int, r.Node] = {}
        self._signatures: dict[r.Graph, Any] = {}
        self._path = ""
        kinds = (v.TRACED_MODULE, v.MODULE_STATE, *vocabulary.classes)
        self._values.handlers.update(dict.fromkeys(kinds, self._module))

    def model(self, top: Value) -> r.TracedModel:
        """Return the records of the TracedModule `top`."""
        if not isinstance(top, Stub) or top.kind != v.TRACED_MODULE:
            kind = top.kind if isinstance(top, Stub) else type(top).__name__
            damaged(f"the file holds {kind}, not a TracedModule")
        module = self._values.decode(top)
        return r.TracedModel(module, module.version)

    # modules

    def _module(self, stub: Stub) -> r.Module:
        kind, state, version = stub.kind, stub.state, ""
        if kind == v.MODULE_STATE:
            kind, state, version = Name(*state["module"]), state["state"], state["version"]
        elif kind == v.TRACED_MODULE:
            version = state.get("dump_info", {}).get("version", "")
        path = self._path
        attributes = {}
        for name, value in state.items():
            if name not in BOOKKEEPING:
                self._path = f"{path}.{name}" if path else name
                attributes[name] = self._values.decode(value)
        self._path = path
        module = r.Module(kind, path, attributes, (), _text(version))
        if stub.kind == v.TRACED_MODULE:
            module = replace(module, graphs=self._graphs(module, state))
        return module

    def _graphs(self, module: r.Module, state: dict[str, Value]) -> tuple[r.Graph, ...]:
        results = {
            self._trees.signature(key): result for key, result in state["argdef_outdef_map"].items()
        }
        graphs = []
        for arguments, stub in state["argdef_graph_map"].items():
            signature = self._trees.signature(arguments)
            graph = self._graph(module, stub, arguments, results[signature])
            self._signatures[graph] = signature
            graphs.append(graph)
        return tuple(graphs)

    # graphs

    def _graph(self, module: r.Module, stub: Stub, arguments: Value, result: Value) -> r.Graph:
        if not isinstance(stub, Stub) or stub.kind != v.GRAPH:
            damaged("a module without its graph")
        state, scope = stub.state, _Scope()
        this, *inputs = self._define(state["_inputs"], scope)
        if not this.is_module or any(node.is_module for node in inputs):
            raise UnsupportedCase(
                "a module is passed as an argument",
                at=Location("traced", name=this.qualname, path=module.path),
            )
        scope.modules[id(state["_inputs"][0])] = module
        expressions = tuple(self._expression(expr, scope) for expr in state["_exprs"])
        outputs = self._use(state["_outputs"], scope)
        args, kwargs = self._trees.of_inputs(arguments, [this, *inputs])
        return r.Graph(
            name=_text(state["_name"]),
            qualname=_text(state["_qualname"]),
            inputs=tuple(inputs),
            outputs=outputs,
            expressions=expressions,
            args=args[1:],
            kwargs=kwargs,
            result=self._trees.rebuild(result, list(outputs)),
        )

    def _node(self, stub: Value) -> r.Node:
        if not isinstance(stub, Stub) or stub.kind not in (v.TENSOR_NODE, v.MODULE_NODE):
            damaged("something that is not a node where one is expected")
        known = self._nodes.get(id(stub))
        if known is None:
            known = self._nodes[id(stub)] = self._new_node(stub)
        return known

    def _new_node(self, stub: Stub) -> r.Node:
        state = stub.state
        shape, dtype = state.get("_shape"), state.get("_dtype")
        qparams = self._values.decode(state.get("_qparams"))
        if not isinstance(qparams, (r.QParams, type(None))) or not isinstance(state["_id"], int):
            damaged("a node with unknown fields", stub)
        known = isinstance(shape, (tuple, list)) and all(type(dim) is int for dim in shape)
        return r.Node(
            id=state["_id"],
            name=_text(state["_name"] or ""),
            qualname=_text(state["_qualname"] or ""),
            is_module=stub.kind == v.MODULE_NODE,
            shape=tuple(shape) if known else None,
            dtype=None if dtype is None else self._values.dtype(dtype),
            qparams=qparams,
        )

    def _define(self, stubs: Iterable[Value], scope: _Scope) -> tuple[r.Node, ...]:
        nodes = tuple(self._node(stub) for stub in stubs)
        for stub in stubs:
            if id(stub) in scope.defined:
                damaged("a value is computed twice", stub)
            scope.defined.add(id(stub))
        return nodes

    def _use(self, stubs: Iterable[Value], scope: _Scope) -> tuple[r.Node, ...]:
        nodes = tuple(self._node(stub) for stub in stubs)
        for stub in stubs:
            if id(stub) not in scope.defined:
                damaged("a value is used before it is computed", stub)
        return nodes

    # expressions

    def _expression(self, stub: Value, scope: _Scope) -> r.Expression:
        makers: dict[Name, Callable[[Stub, _Scope], r.Expression]] = {
            v.GET_ATTR: self._get_attr,
            v.CONSTANT: self._constant,
            v.CALL_METHOD: self._call_method,
            v.CALL_FUNCTION: self._call_function,
            v.APPLY: self._apply,
        }
        if not isinstance(stub, Stub) or stub.kind not in makers:
            damaged("something that is not an expression where one is expected")
        return makers[stub.kind](stub, scope)

    def _get_attr(self, stub: Stub, scope: _Scope) -> r.GetAttr:
        (base,) = stub.state["inputs"]
        self._use([base], scope)
        path = stub.state["name"]
        try:
            value = scope.modules[id(base)].get(path)
        except KeyError:
            raise unsafe(stub, "the attribute", path) from None
        return r.GetAttr(stub.state["_id"], path, value, self._bind(stub, value, scope))

    def _constant(self, stub: Stub, scope: _Scope) -> r.Constant:
        value = self._values.decode(stub.state["value"])
        return r.Constant(stub.state["_id"], value, self._bind(stub, value, scope))

    def _bind(self, stub: Stub, value: Any, scope: _Scope) -> r.Node:
        """Define the one output of `stub`, which must be of the same kind as `value`."""
        (output,) = self._define(stub.state["outputs"], scope)
        if not isinstance(value, r.Module if output.is_module else r.Tensor):
            raise unsafe(stub, "the value", type(value).__name__)
        if isinstance(value, r.Module):
            scope.modules[id(stub.state["outputs"][0])] = value
        return output

    def _arguments(self, stub: Stub, scope: _Scope) -> tuple[tuple[Any, ...], dict[str, Any]]:
        nodes = iter(self._use(stub.state["inputs"], scope))
        leaves: list[Any] = []
        for index, constant in stub.state["const_val"]:
            leaves += [node for _, node in zip(range(index - len(leaves)), nodes)]
            if index != len(leaves):
                damaged("the constants of a call are not in order", stub)
            leaves.append(self._values.decode(constant))
        args, kwargs = self._trees.rebuild(stub.state["arg_def"], [*leaves, *nodes])
        if not isinstance(args, tuple) or not isinstance(kwargs, dict):
            damaged("the arguments of a call are not args and kwargs", stub)
        return args, kwargs

    def _results(self, stub: Stub, scope: _Scope) -> tuple[tuple[r.Node, ...], r.Tree]:
        outputs = self._define(stub.state["outputs"], scope)
        definition = stub.state["out_def"]
        return outputs, self._trees.rebuild(definition, list(outputs)) if outputs else None

    def _call_method(self, stub: Stub, scope: _Scope) -> r.CallMethod | r.CallModule:
        (target, *args), kwargs = self._arguments(stub, scope)
        method, version = stub.state["method"], _text(stub.state.get("version", ""))
        on_node = isinstance(target, r.Node)
        if on_node and target.is_module and method == "__call__":
            return self._call_module(stub, (target, *args), kwargs, scope)
        allowed = not target.is_module if on_node else target in (v.TENSOR, v.PARAMETER)
        if not allowed or method == "__call__" or on_node == (method == "__new__"):
            raise unsafe(stub, "the method", method)
        outputs, result = self._results(stub, scope)
        id_ = stub.state["_id"]
        return r.CallMethod(id_, target, method, tuple(args), kwargs, outputs, result, version)

    def _call_module(
        self, stub: Stub, args: tuple[Any, ...], kwargs: dict[str, Any], scope: _Scope
    ) -> r.CallModule:
        module = scope.modules[id(stub.state["inputs"][0])]
        graph = None
        if module.kind == v.TRACED_MODULE:
            signature = self._trees.signature(stub.state["arg_def"])
            graphs = [g for g in module.graphs if self._signatures[g] == signature]
            if not graphs:
                damaged(f"module {module.path!r} has no graph for the call", stub)
            graph = graphs[0]
        outputs, result = self._results(stub, scope)
        version = _text(stub.state.get("version", ""))
        id_ = stub.state["_id"]
        target, *rest = args
        return r.CallModule(
            id_, target, module, graph, tuple(rest), kwargs, outputs, result, version
        )

    def _call_function(self, stub: Stub, scope: _Scope) -> r.CallFunction:
        args, kwargs = self._arguments(stub, scope)
        outputs, result = self._results(stub, scope)
        version = _text(stub.state.get("version", ""))
        function = Name(*stub.state["func"])
        id_ = stub.state["_id"]
        return r.CallFunction(id_, function, args, kwargs, outputs, result, version)

    def _apply(self, stub: Stub, scope: _Scope) -> r.Apply:
        params = dict(self._values.decode(stub.state["opdef_state"]))
        opdef = params.pop("opdef_type")
        inputs = self._use(stub.state["inputs"], scope)
        outputs = self._define(stub.state["outputs"], scope)
        version = _text(stub.state.get("version", ""))
        return r.Apply(stub.state["_id"], opdef.name, params, inputs, outputs, version)


def _text(value: Value) -> str:
    if not isinstance(value, str):
        damaged("a name that is not a text")
    return value

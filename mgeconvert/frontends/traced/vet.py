"""Refuse a pickle whose objects would make MegEngine import, call or show anything but its own.

MegEngine imports and calls what a file names in texts: functions, module classes, methods,
attributes. This looks at every object of the pickle, also at those that no graph reaches, so that
a file that passes here and in `build` can be given to `megengine.load`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from mgeconvert.errors import Location, UnreadableSource, UnsafeSource
from mgeconvert.frontends.traced import vocabulary as v
from mgeconvert.frontends.traced.stubs import Name, Stub, Value, shown

_EXPR = {"_id", "_disable_remove", "inputs", "outputs"}
_CALL = _EXPR | {"const_val", "arg_def", "out_def", "version"}
_NODE = {"expr", "users", "_id", "_name", "_qualname"}

STATE_KEYS: Mapping[Name, frozenset[str]] = {
    v.INPUT: frozenset(_EXPR | {"name"}),
    v.GET_ATTR: frozenset(_EXPR | {"name"}),
    v.CONSTANT: frozenset(_EXPR | {"name", "value"}),
    v.CALL_METHOD: frozenset(_CALL | {"method"}),
    v.CALL_FUNCTION: frozenset(_CALL | {"func"}),
    v.APPLY: frozenset(_EXPR | {"opdef_state", "version"}),
    v.TENSOR_NODE: frozenset(_NODE | {"_qparams", "_shape", "_dtype", "_device"}),
    v.MODULE_NODE: frozenset(_NODE | {"module_type"}),
    v.TREE_DEF: frozenset({"type", "aux_data", "children_defs", "num_leaves"}),
    v.LEAF_DEF: frozenset({"type", "aux_data", "children_defs", "num_leaves", "const_val"}),
    v.ARGS_INDEX: frozenset({"index", "name"}),
    v.NAME_SPACE: frozenset({"name", "qualname", "_used_names"}),
    v.GRAPH: frozenset(
        {"_exprs", "_inputs", "_outputs", "_watch_point", "_end_point", "_namespace"}
        | {"_rst", "_name", "_qualname", "_total_ids"}
    ),
    v.MODULE_STATE: frozenset({"module", "state", "version"}),
    v.TENSOR: frozenset({"qparams"}),
    v.PARAMETER: frozenset({"qparams"}),
}
"""What MegEngine 1.7 to 1.13 writes; anything more could hide a method of the object."""

EMPTY = (
    *("_forward_pre_hooks", "_forward_hooks", "watch_points", "watch_node_value", "end_points"),
    *("_watch_point", "_end_point", "_rst"),
)
"""What is called at run time or changes the outputs; never filled in a saved model."""

_ATTRIBUTE = re.compile(r"(?!__)\w+(\.(?!__)\w+)*")


def vet(stubs: Iterable[Stub], vocabulary: v.Vocabulary) -> None:
    """Raise UnsafeSource for the first name outside `vocabulary`.

    Raise UnreadableSource for an object with fields that MegEngine 1.13 does not write.
    """
    for stub in stubs:
        keys = STATE_KEYS.get(stub.kind)
        if keys is not None and isinstance(stub.state, dict) and not stub.state.keys() <= keys:
            unknown = sorted(str(key) for key in stub.state.keys() - keys)
            raise UnreadableSource(
                f"{stub.kind.name} at byte {stub.offset} has an unknown field {unknown[0]!r}",
                hint="written by a MegEngine before 1.7? load and save it with 1.13",
            )
        check = _CHECKS.get(stub.kind)
        if check is not None:
            check(stub, vocabulary)
        elif stub.kind in vocabulary.classes:
            _vet_attributes(stub, stub.state)


def unsafe(stub: Stub, what: str, name: Value) -> UnsafeSource:
    """Return the error for `name`, used by the object `stub` as `what`."""
    return UnsafeSource(
        f"{what} {shown(name)}, named at byte {stub.offset}, is not one of MegEngine's",
        at=Location("traced", op=stub.kind.name),
        hint="only what MegEngine 1.13 defines is read; trace the model without tm.wrap and "
        "register_as_builtin, and do not load a file you do not trust",
    )


def pair(value: Value) -> Name | None:
    """Return the Name that a pair of texts (module, name) spells, else None."""
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(x, str) for x in value):
        return Name(*value)
    return None


def _vet_function(stub: Stub, vocabulary: v.Vocabulary) -> None:
    name = pair(stub.state["func"])
    if name not in vocabulary.functions:
        raise unsafe(stub, "the function", name or stub.state["func"])


def _vet_method(stub: Stub, vocabulary: v.Vocabulary) -> None:
    method = stub.state["method"]
    if not isinstance(method, str) or method not in vocabulary.methods:
        raise unsafe(stub, "the method", method)


def _vet_module_node(stub: Stub, vocabulary: v.Vocabulary) -> None:
    name = pair(stub.state["module_type"])
    if name not in vocabulary.classes and name != v.TRACED_MODULE:
        raise unsafe(stub, "the module class", name or stub.state["module_type"])


def _vet_module_state(stub: Stub, vocabulary: v.Vocabulary) -> None:
    name = pair(stub.state["module"])
    if name not in vocabulary.classes:
        raise unsafe(stub, "the module class", name or stub.state["module"])
    _vet_attributes(stub, stub.state["state"])


def _vet_opdef(stub: Stub, vocabulary: v.Vocabulary) -> None:
    opdef = stub.state["opdef_state"]["opdef_type"]
    if not isinstance(opdef, Name) or opdef not in vocabulary.opdefs:
        raise unsafe(stub, "the operator", opdef)


def _vet_get_attr(stub: Stub, vocabulary: v.Vocabulary) -> None:
    path = stub.state["name"]
    if not isinstance(path, str) or not _ATTRIBUTE.fullmatch(path):
        raise unsafe(stub, "the attribute", path)


def _vet_traced_module(stub: Stub, vocabulary: v.Vocabulary) -> None:
    _vet_attributes(stub, stub.state)


def _vet_graph(stub: Stub, vocabulary: v.Vocabulary) -> None:
    _vet_empty(stub, stub.state)


def _vet_attributes(stub: Stub, state: Value) -> None:
    for name, value in state.items():
        if not isinstance(name, str) or name.startswith("__"):
            raise unsafe(stub, "the attribute", name)
        if isinstance(value, Name) and value not in v.NUMPY_TYPES:
            raise unsafe(stub, f"the value of attribute {name!r},", value)
    _vet_empty(stub, state)


def _vet_empty(stub: Stub, state: Value) -> None:
    for name in EMPTY:
        if state.get(name):
            raise unsafe(stub, "a hook or watch point in", name)


_CHECKS: Mapping[Name, Callable[[Stub, v.Vocabulary], None]] = {
    v.CALL_FUNCTION: _vet_function,
    v.CALL_METHOD: _vet_method,
    v.MODULE_NODE: _vet_module_node,
    v.MODULE_STATE: _vet_module_state,
    v.APPLY: _vet_opdef,
    v.GET_ATTR: _vet_get_attr,
    v.TRACED_MODULE: _vet_traced_module,
    v.GRAPH: _vet_graph,
}

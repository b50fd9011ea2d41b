"""Rebuild the argument and result structures that MegEngine stores flattened; records only."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np

from mgeconvert.frontends.traced import vocabulary as v
from mgeconvert.frontends.traced.records import QuantDtype, Tree
from mgeconvert.frontends.traced.stubs import Name, Stub, Value, shown
from mgeconvert.frontends.traced.values import Values, damaged

MAX_ITEMS = 20_000
"""Containers and leaves of one structure, a part that it shares counted at each place."""

MAX_DEPTH = 50

_SEQUENCES = {Name("builtins", "list"): list, Name("builtins", "tuple"): tuple}
_SLICE = Name("builtins", "slice")
_DICTS = {
    Name("builtins", "dict"),
    Name("collections", "OrderedDict"),
    Name("collections", "defaultdict"),
}
_CONSTANTS = (type(None), bool, int, float, str, bytes, type(Ellipsis), Name, QuantDtype)


class Trees:
    """Rebuilds structures, and compares them the way MegEngine chooses a graph."""

    def __init__(self, values: Values) -> None:
        self._values = values

    def rebuild(self, definition: Value, leaves: list[Any]) -> Tree:
        """Return the structure `definition` over `leaves`, which must be used up."""
        rest = iter(leaves)
        tree = _Rebuild(rest).tree(definition, 0)
        if next(rest, self) is not self:
            damaged("a structure has fewer places than values", definition)
        return tree

    def of_inputs(self, definition: Value, inputs: list[Any]) -> Tree:
        """Return the structure `definition` over `inputs`, its constants being in it."""
        rest = iter(inputs)
        leaves = [
            _next(rest, leaf) if _is_variable(leaf) else self._constant(leaf)
            for leaf in _walk(definition)
            if leaf.kind == v.LEAF_DEF
        ]
        return self.rebuild(definition, [*leaves, *rest])

    def signature(self, definition: Value) -> Hashable:
        """Return what two structures share if and only if they take the same arguments."""
        return tuple(self._token(part) for part in _walk(definition))

    def _token(self, part: Stub) -> Hashable:
        if part.kind == v.TREE_DEF:
            kind, keys, children = _parts(part)
            return (kind, keys, len(children))
        if _is_variable(part):
            return v.MODULE_NODE in part.state["type"]
        constant = self._constant(part)
        if isinstance(constant, (np.ndarray, np.generic)):
            return (str(constant.dtype), constant.shape, constant.tobytes())
        if not isinstance(constant, (*_CONSTANTS, np.dtype)):
            damaged("a constant argument of an unknown kind", part)
        return (type(constant), constant)

    def _constant(self, leaf: Stub) -> Any:
        return self._values.decode(leaf.state.get("const_val"))


class _Rebuild:
    """One walk over a structure, which takes its leaves from an iterator."""

    def __init__(self, leaves: Iterator[Any]) -> None:
        self.leaves = leaves
        self.items = 0

    def tree(self, definition: Value, depth: int) -> Tree:
        self.items += 1
        _check(definition, self.items, depth)
        if definition.kind == v.LEAF_DEF:
            return _next(self.leaves, definition)
        kind, keys, inner = _parts(definition)
        children = [self.tree(child, depth + 1) for child in inner]
        if kind in _SEQUENCES:
            return _SEQUENCES[kind](children)
        if kind in _DICTS:
            return dict(zip(keys, children))
        return slice(*children)


def _walk(definition: Value) -> Iterator[Stub]:
    """Yield the parts of a structure, each before its children."""
    todo = [(definition, 0)]
    items = 0
    while todo:
        part, depth = todo.pop()
        items += 1
        _check(part, items, depth)
        yield part
        if part.kind == v.TREE_DEF:
            todo += [(child, depth + 1) for child in reversed(_parts(part)[2])]


def _check(part: Value, items: int, depth: int) -> None:
    if not isinstance(part, Stub) or part.kind not in (v.TREE_DEF, v.LEAF_DEF):
        damaged("a structure is missing")
    if items > MAX_ITEMS or depth > MAX_DEPTH:
        damaged("a structure is too large or too deep", part)


def _parts(definition: Stub) -> tuple[Name, tuple[str | int, ...], list[Value]]:
    """Return the container, the keys (none but for dicts) and the children, checked."""
    state = definition.state
    kind, keys, children = state["type"], state["aux_data"], state["children_defs"]
    if not isinstance(children, list):
        damaged("a structure without children", definition)
    if not isinstance(kind, Name) or not (kind in _SEQUENCES or kind == _SLICE or kind in _DICTS):
        damaged(f"a structure of kind {shown(kind)} is not handled", definition)
    if kind not in _DICTS:
        if kind == _SLICE and len(children) != 3:
            damaged("a slice without its three parts", definition)
        return kind, (), children
    if not isinstance(keys, tuple) or len(keys) != len(children):
        damaged("a dict without its keys", definition)
    if not all(isinstance(key, (str, int)) for key in keys):
        damaged("a dict with keys that are no texts", definition)
    return kind, keys, children


def _next(leaves: Iterator[Any], definition: Stub) -> Any:
    for leaf in leaves:
        return leaf
    return damaged("a structure has more places than values", definition)


def _is_variable(leaf: Stub) -> bool:
    kinds = leaf.state["type"]
    return isinstance(kinds, tuple) and (v.TENSOR_NODE in kinds or v.MODULE_NODE in kinds)

"""Rebuild the argument and result structures that MegEngine stores flattened; records only."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np

from mgeconvert.frontends.traced import vocabulary as v
from mgeconvert.frontends.traced.records import Tree
from mgeconvert.frontends.traced.stubs import Name, Stub, Value
from mgeconvert.frontends.traced.values import Values, damaged

MAX_ITEMS = 1_000_000
"""Containers and leaves in one structure."""

MAX_DEPTH = 50

_SEQUENCES = {Name("builtins", "list"): list, Name("builtins", "tuple"): tuple}
_SLICE = Name("builtins", "slice")
_DICTS = {
    Name("builtins", "dict"),
    Name("collections", "OrderedDict"),
    Name("collections", "defaultdict"),
}


class Trees:
    """Rebuilds structures, and compares them the way MegEngine chooses a graph."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._signatures: dict[int, Hashable] = {}

    def rebuild(self, definition: Value, leaves: list[Any]) -> Tree:
        """Return the structure `definition` over `leaves`, which must be used up."""
        rest = iter(leaves)
        items = iter(range(MAX_ITEMS))
        tree = self._rebuild(definition, rest, items, 0)
        if next(rest, self) is not self:
            damaged("a structure has fewer places than values", definition)
        return tree

    def _rebuild(
        self, definition: Value, leaves: Iterator[Any], items: Iterator[int], depth: int
    ) -> Tree:
        if next(items, None) is None or depth > MAX_DEPTH:
            damaged("a structure is too large or too deep")
        if not isinstance(definition, Stub):
            damaged("a structure is missing")
        if definition.kind == v.LEAF_DEF:
            return _next(leaves, definition)
        kind, keys, inner = _parts(definition)
        children = [self._rebuild(child, leaves, items, depth + 1) for child in inner]
        if kind in _SEQUENCES:
            return _SEQUENCES[kind](children)
        if kind == _SLICE and len(children) == 3:
            return slice(*children)
        if kind in _DICTS:
            return dict(zip(_keys(keys, len(children), definition), children))
        return damaged(f"a structure of kind {str(kind)[:100]!r} is not handled", definition)

    def of_inputs(self, definition: Value, inputs: list[Any]) -> Tree:
        """Return the structure `definition` over `inputs`, its constants being in it."""
        leaves = iter(inputs)
        return self.rebuild(definition, [*self._with_constants(definition, leaves, 0), *leaves])

    def _with_constants(
        self, definition: Value, inputs: Iterator[Any], depth: int
    ) -> Iterator[Any]:
        if not isinstance(definition, Stub) or depth > MAX_DEPTH:
            damaged("a structure is missing or too deep")
        if definition.kind != v.LEAF_DEF:
            for child in _parts(definition)[2]:
                yield from self._with_constants(child, inputs, depth + 1)
        elif _is_variable(definition):
            yield _next(inputs, definition)
        else:
            yield self._values.decode(definition.state.get("const_val"))

    def signature(self, definition: Value, depth: int = 0) -> Hashable:
        """Return what two structures share if and only if they take the same arguments."""
        if not isinstance(definition, Stub) or depth > MAX_DEPTH:
            damaged("a structure is missing or too deep")
        known = self._signatures.get(id(definition))
        if known is None:
            known = self._signatures[id(definition)] = self._signature(definition, depth)
        return known

    def _signature(self, definition: Stub, depth: int) -> Hashable:
        if definition.kind != v.LEAF_DEF:
            kind, keys, inner = _parts(definition)
            return (kind, keys, tuple(self.signature(child, depth + 1) for child in inner))
        if _is_variable(definition):
            return v.MODULE_NODE in definition.state["type"]
        constant = self._values.decode(definition.state.get("const_val"))
        if isinstance(constant, np.ndarray):
            return (str(constant.dtype), constant.shape, constant.tobytes())
        return (type(constant), constant)


def _next(leaves: Iterator[Any], definition: Stub) -> Any:
    for leaf in leaves:
        return leaf
    return damaged("a structure has more places than values", definition)


def _parts(definition: Stub) -> tuple[Value, Value, list[Value]]:
    if definition.kind != v.TREE_DEF:
        damaged("a structure of an unknown kind", definition)
    state = definition.state
    if not isinstance(state["children_defs"], list):
        damaged("a structure without children", definition)
    return state["type"], state["aux_data"], state["children_defs"]


def _keys(keys: Value, size: int, definition: Stub) -> tuple[str | int, ...]:
    if not isinstance(keys, tuple) or len(keys) != size:
        damaged("a dict without its keys", definition)
    if not all(isinstance(key, (str, int)) for key in keys):
        damaged("a dict with keys that are no texts", definition)
    return keys


def _is_variable(leaf: Stub) -> bool:
    kinds = leaf.state["type"]
    return isinstance(kinds, tuple) and (v.TENSOR_NODE in kinds or v.MODULE_NODE in kinds)

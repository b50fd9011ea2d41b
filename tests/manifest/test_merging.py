"""Merging tables: the laws of `merge`, and that a manifest's layers follow them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgeconvert.manifest.merging import merge

pytestmark = pytest.mark.core

NAMES = st.sampled_from(["a", "b", "c"])
LEAVES = st.integers(0, 9) | st.lists(st.integers(0, 9), max_size=2) | st.none()
TABLES = st.recursive(
    st.dictionaries(NAMES, LEAVES, max_size=3),
    lambda inner: st.dictionaries(NAMES, LEAVES | inner, max_size=3),
    max_leaves=8,
)


def leaves(table: dict[str, Any], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Return the value at each path that leads to no table, or to an empty one."""
    found: dict[tuple[str, ...], Any] = {}
    for name, value in table.items():
        inner = leaves(value, (*path, name)) if isinstance(value, dict) else {}
        found |= inner or {(*path, name): value}
    return found


@given(TABLES)
def test_nothing_changes_a_table(table: dict[str, Any]) -> None:
    assert merge(table, {}) == merge({}, table) == merge(table, table) == table


@given(TABLES, TABLES, TABLES)
def test_layers_can_be_merged_in_any_grouping(
    far: dict[str, Any], middle: dict[str, Any], near: dict[str, Any]
) -> None:
    one = merge(merge(far, middle), near)
    assert merge(far, middle, near) == one
    if not _cut(far, middle, near):
        assert merge(far, merge(middle, near)) == one


def _cut(far: dict[str, Any], middle: dict[str, Any], near: dict[str, Any]) -> bool:
    """Tell whether a plain value stands between two tables: there the grouping matters."""
    for name in far.keys() & middle.keys() & near.keys():
        values = far[name], middle[name], near[name]
        tables = [isinstance(value, dict) for value in values]
        if tables == [True, False, True] or (all(tables) and _cut(*values)):
            return True
    return False


@given(TABLES, TABLES)
def test_every_value_of_the_nearer_table_stands(far: dict[str, Any], near: dict[str, Any]) -> None:
    merged = merge(far, near)
    for path, value in leaves(near).items():
        at: Any = merged
        for name in path:
            at = at[name]
        assert at == value or value == {}


@given(TABLES, TABLES)
def test_every_other_value_is_of_the_farther_table(
    far: dict[str, Any], near: dict[str, Any]
) -> None:
    known = leaves(far) | leaves(near)
    for path, value in leaves(merge(far, near)).items():
        assert known[path] == value


@given(TABLES, TABLES)
def test_the_layers_are_left_alone(far: dict[str, Any], near: dict[str, Any]) -> None:
    before = copy.deepcopy((far, near))
    merge(far, near)
    assert (far, near) == before

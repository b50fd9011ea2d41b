"""Reshapes as groups of axes: permutations of whole groups go through; depends on the IR only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mgeconvert.ir.dims import Dim, Shape, bind, symbols
from mgeconvert.ir.graph import Node
from mgeconvert.ir.op import Op
from mgeconvert.ir.passes.layout.moves import Perms, Rule
from mgeconvert.ir.passes.layout.perms import Perm, permuted

Group = tuple[tuple[int, ...], tuple[int, ...]]

STAND_IN = 61
"""What a symbol counts as where sizes are compared."""


def estimated(size: Dim) -> int:
    """Return `size` as a number, with every symbol counted as STAND_IN."""
    known = bind(size, dict.fromkeys(symbols(size), STAND_IN))
    return known if isinstance(known, int) else STAND_IN


def groups(before: Shape, after: Shape) -> tuple[Group, ...] | None:
    """Return the smallest groups of axes of both shapes that have equal sizes, in order.

    Axes of one element belong to no group. None where the shapes cannot be divided so.
    """
    left = [axis for axis, size in enumerate(before) if size != 1]
    right = [axis for axis, size in enumerate(after) if size != 1]
    if any(before[a] == 0 for a in left) or any(after[a] == 0 for a in right):
        return None
    found: list[Group] = []
    while left or right:
        group = _first_group(before, after, left, right)
        if group is None:
            return None
        found.append(group)
        del left[: len(group[0])], right[: len(group[1])]
    return tuple(found)


def _first_group(
    before: Shape, after: Shape, left: Sequence[int], right: Sequence[int]
) -> Group | None:
    if not left or not right:
        return None
    i = j = 1
    a, b = before[left[0]], after[right[0]]
    while a != b:
        if estimated(a) <= estimated(b) and i < len(left):
            a, i = a * before[left[i]], i + 1
        elif j < len(right):
            b, j = b * after[right[j]], j + 1
        elif i < len(left):
            a, i = a * before[left[i]], i + 1
        else:
            return None
    return tuple(left[:i]), tuple(right[:j])


class Reshaped(Rule):
    """Reshape; a move is a permutation of the operand and the one of the result that follows."""

    def move(self, node: Node[Any], port: int, perm: Perm) -> Perms | None:
        shapes = node.inputs[0].type.shape, node.output.type.shape
        found = groups(*shapes)
        if found is None:
            return None
        other = _through(
            perm, [(g[port], g[1 - port]) for g in found], shapes[port], shapes[1 - port]
        )
        if other is None:
            return None
        return (perm, other) if port == 0 else (other, perm)

    def perms(self, node: Node[Any], move: Perms) -> Perms:
        return move

    def op(self, node: Node[Any], move: Perms) -> Op:
        op: Op = replace(node.op, shape=permuted(node.op.shape, move[1]))
        return op


def _through(perm: Perm, found: Sequence[Group], near: Shape, far: Shape) -> Perm | None:
    """Return the permutation on the far side, None where `perm` tears a group apart."""
    by_first = {near_axes[0]: (near_axes, far_axes) for near_axes, far_axes in found}
    axes = [axis for axis in perm if near[axis] != 1]
    result: list[int] = []
    place = 0
    while place < len(axes):
        near_axes, far_axes = by_first.get(axes[place], ((), ()))
        if not near_axes or tuple(axes[place : place + len(near_axes)]) != near_axes:
            return None
        result.extend(far_axes)
        place += len(near_axes)
    return _with_ones(result, far)


def _with_ones(axes: Sequence[int], shape: Shape) -> Perm:
    """Put the axes of one element behind the axis that they follow in `shape`."""
    followers: dict[int, list[int]] = {-1: []}
    last = -1
    for axis, size in enumerate(shape):
        if size == 1:
            followers[last].append(axis)
        else:
            last = axis
            followers[last] = []
    result = list(followers[-1])
    for axis in axes:
        result += [axis, *followers[axis]]
    return tuple(result)

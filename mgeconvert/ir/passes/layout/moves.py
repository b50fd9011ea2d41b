"""How operators go through a permutation of their axes, by their traits; depends on the IR only.

A move says how a node would work on permuted tensors. The ports of a node are its inputs, then its
outputs; a rule finds the move that permutes one port in a given way, and what it does to the rest.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

from mgeconvert.ir.dims import Shape
from mgeconvert.ir.graph import Node, Value
from mgeconvert.ir.op import Op
from mgeconvert.ir.passes.layout.perms import (
    Perm,
    extended,
    permuted,
    restricted,
    with_axes,
    without,
)

Move = Hashable
Perms = tuple[Perm, ...]


def ports(node: Node[Any]) -> tuple[Value, ...]:
    """Return the values at the ports of `node`."""
    return (*node.inputs, *node.outputs)


class Rule:
    """Base of the rules; a move of this base is the permutation of the whole tensor."""

    def move(self, node: Node[Any], port: int, perm: Perm) -> Move | None:
        """Return the move that permutes the port so, or None where there is none."""
        raise NotImplementedError

    def perms(self, node: Node[Any], move: Any) -> Perms:
        """Return the permutation of each port."""
        raise NotImplementedError

    def op(self, node: Node[Any], move: Any) -> Op:
        """Return the operator for permuted tensors."""
        raise NotImplementedError

    def fits(self, node: Node[Any]) -> bool:
        """Return whether the rule knows about nodes like this."""
        return True

    def shape(self, node: Node[Any], port: int, move: Any) -> Shape | None:
        """Return the shape that an operand needs once it is permuted, None where it has it."""
        return None


class Elementwise(Rule):
    """Any permutation; an operand of lower rank belongs to the last axes."""

    def move(self, node: Node[Any], port: int, perm: Perm) -> Perm:
        return extended(perm, node.outputs[0].type.rank)

    def perms(self, node: Node[Any], move: Perm) -> Perms:
        return tuple(restricted(move, v.type.rank) for v in ports(node))

    def op(self, node: Node[Any], move: Perm) -> Op:
        op: Op = node.op
        return op

    def fits(self, node: Node[Any]) -> bool:
        rank = node.outputs[0].type.rank
        return all(v.type.rank <= rank for v in node.inputs)

    def shape(self, node: Node[Any], port: int, move: Perm) -> Shape | None:
        own = ports(node)[port].type.shape
        gap = len(move) - len(own)
        first = next((i for i, axis in enumerate(move) if axis >= gap), len(move))
        if len(move) - first == len(own):
            return None
        return tuple(1 if axis < gap else own[axis - gap] for axis in move[first:])


class Broadcast(Elementwise):
    """Expand: as an elementwise operator, with its shape permuted."""

    def op(self, node: Node[Any], move: Perm) -> Op:
        op: Op = replace(node.op, shape=permuted(node.op.shape, move))
        return op


class Axes(Rule):
    """Operators on tensors of one rank with attributes about axes, some of which may go."""

    def move(self, node: Node[Any], port: int, perm: Perm) -> Perm:
        return with_axes(perm, _gone(node)) if len(perm) < _rank(node) else perm

    def perms(self, node: Node[Any], move: Perm) -> Perms:
        gone = without(move, _gone(node))
        return tuple(move if v.type.rank == len(move) else gone for v in ports(node))

    def op(self, node: Node[Any], move: Perm) -> Op:
        changes: dict[str, Any] = {}
        for name in node.op.axes:
            axes = getattr(node.op, name)
            many = isinstance(axes, tuple)
            changes[name] = tuple(sorted(map(move.index, axes))) if many else move.index(axes)
        for name in node.op.per_axis:
            changes[name] = permuted(getattr(node.op, name), move)
        op: Op = replace(node.op, **changes)
        return op

    def fits(self, node: Node[Any]) -> bool:
        rank = _rank(node)
        after = {rank, rank - len(_gone(node))}
        same = all(v.type.rank == rank for v in node.inputs)
        return same and all(v.type.rank in after for v in node.outputs)


def _rank(node: Node[Any]) -> int:
    return node.inputs[0].type.rank if node.inputs else 0


def _gone(node: Node[Any]) -> tuple[int, ...]:
    """Return the axes that the results don't have any more."""
    if not node.inputs or node.outputs[0].type.rank == _rank(node):
        return ()
    axes = [getattr(node.op, name) for name in node.op.axes]
    return tuple(a for part in axes for a in (part if isinstance(part, tuple) else (part,)))


class Added(Rule):
    """Unsqueeze; a move is the permutation of the result."""

    def move(self, node: Node[Any], port: int, perm: Perm) -> Perm:
        return perm if port else with_axes(perm, node.op.added)

    def perms(self, node: Node[Any], move: Perm) -> Perms:
        return (without(move, node.op.added), move)

    def op(self, node: Node[Any], move: Perm) -> Op:
        op: Op = replace(node.op, added=tuple(sorted(map(move.index, node.op.added))))
        return op


class Features(Rule):
    """Operators on the last axes of their first operand, which stay; those before may move.

    A move is the permutation of the axes before.
    """

    def last(self, node: Node[Any], port: int) -> int:
        """Return how many axes of the port stay, being the last ones."""
        return 1

    def move(self, node: Node[Any], port: int, perm: Perm) -> Perm | None:
        lead = len(perm) - self.last(node, port)
        if lead != self._lead(node) or perm[lead:] != tuple(range(lead, len(perm))):
            return None
        return perm[:lead]

    def perms(self, node: Node[Any], move: Perm) -> Perms:
        return tuple(self._perm(node, port, move) for port in range(len(ports(node))))

    def op(self, node: Node[Any], move: Perm) -> Op:
        op: Op = node.op
        return op

    def _lead(self, node: Node[Any]) -> int:
        return node.outputs[0].type.rank - self.last(node, len(node.inputs))

    def _perm(self, node: Node[Any], port: int, move: Perm) -> Perm:
        rank = ports(node)[port].type.rank
        stay = self.last(node, port)
        moves = len(move) == rank - stay
        return (*(move if moves else range(rank - stay)), *range(rank - stay, rank))


class Layered(Features):
    """Linear: w and b stay."""

    def last(self, node: Node[Any], port: int) -> int:
        return ports(node)[port].type.rank if 1 <= port < len(node.inputs) else 1


class Products(Features):
    """MatMul of operands with the same axes before the last two, or one with none.

    Where the second is a mere matrix, the rows of the first are nothing but one more axis.
    """

    def last(self, node: Node[Any], port: int) -> int:
        return 1 if port != 1 and node.inputs[1].type.rank == 2 else 2

    def fits(self, node: Node[Any]) -> bool:
        rank = node.outputs[0].type.rank
        return all(v.type.rank in (2, rank) for v in node.inputs)


class Categories(Features):
    """OneHot: the new last axis stays."""

    def last(self, node: Node[Any], port: int) -> int:
        return port


class Normalized(Rule):
    """LayerNorm: the axes from `axis` on, and those before, each among themselves."""

    def move(self, node: Node[Any], port: int, perm: Perm) -> Perm | None:
        rank, axis = node.outputs[0].type.rank, node.op.axis
        if len(perm) < rank or 1 <= port < len(node.inputs):
            return extended(perm, rank) if len(perm) == rank - axis else None
        return perm if set(perm[:axis]) == set(range(axis)) else None

    def perms(self, node: Node[Any], move: Perm) -> Perms:
        tail = restricted(move, len(move) - node.op.axis)
        inner = range(1, len(node.inputs))
        return tuple(tail if port in inner else move for port in range(len(ports(node))))

    def op(self, node: Node[Any], move: Perm) -> Op:
        op: Op = node.op
        return op


class Looked(Rule):
    """Gather; a move is a permutation of x and one of the indices, which stay together."""

    def move(self, node: Node[Any], port: int, perm: Perm) -> Move | None:
        x, indices = (v.type.rank for v in node.inputs)
        if port == 0:
            return perm, tuple(range(indices))
        if port == 1:
            return tuple(range(x)), perm
        first = node.op.axis
        block = range(first, first + indices)
        places = [i for i, axis in enumerate(perm) if axis in block]
        if places and places[-1] - places[0] >= indices:
            return None
        rest = without(perm, block)
        if not places:
            return with_axes(rest, (first,)), ()
        own = [axis + (axis >= first) for axis in rest]
        own.insert(places[0], first)
        return tuple(own), tuple(perm[i] - first for i in places)

    def perms(self, node: Node[Any], move: tuple[Perm, Perm]) -> Perms:
        own, indices = move
        first, count = node.op.axis, len(indices)
        result: list[int] = []
        for axis in own:
            if axis == first:
                result.extend(first + i for i in indices)
            else:
                result.append(axis if axis < first else axis + count - 1)
        return own, indices, tuple(result)

    def op(self, node: Node[Any], move: tuple[Perm, Perm]) -> Op:
        op: Op = replace(node.op, axis=move[0].index(node.op.axis))
        return op

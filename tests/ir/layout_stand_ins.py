"""Operators that want N,spatial,C, as a backend would have them, for the tests of layouts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mgeconvert.errors import Location
from mgeconvert.ir import Array, Graph, Op, TensorType, Value, op, ops
from mgeconvert.ir.op import Arrays, Types

AT = Location("test")
IMAGES = (
    *(ops.Conv, ops.ConvTranspose, ops.MaxPool, ops.AvgPool, ops.Resize, ops.DepthToSpace),
    *(ops.BatchNorm, ops.GroupNorm, ops.LocalResponseNorm),
)


def to_last(rank: int) -> tuple[int, ...]:
    return (0, *range(2, rank), 1)


def to_first(rank: int) -> tuple[int, ...]:
    return (0, rank - 1, *range(1, rank - 1))


LAST, FIRST = to_last(4), to_first(4)


@op("x *rest")
class ChannelsLast(Op):
    """Another operator on images whose channels are last."""

    inner: Op

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        x, *rest = types
        first = tuple(x.shape[i] for i in to_first(x.rank))
        (y,) = self.inner.infer([TensorType(x.dtype, first), *rest])
        return (TensorType(y.dtype, tuple(y.shape[i] for i in to_last(y.rank))),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        x, *rest = arrays
        (y,) = self.inner.eval([x.transpose(to_first(x.ndim)), *rest])
        return (y.transpose(to_last(y.ndim)),)

    def bound(self, known: Mapping[str, int]) -> ChannelsLast:
        return ChannelsLast(inner=self.inner.bound(known))


@op("x")
class Opaque(Op):
    """x plus the number of each place: no permutation goes through."""

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        return (types[0],)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        (x,) = arrays
        return ((x + np.arange(x.size).reshape(x.shape) % 7).astype(x.dtype),)


def legalized(graph: Graph) -> int:
    """Put every operator on images between transpositions; return how many there are."""
    count = 0
    for node in graph:
        rank = node.inputs[0].type.rank if node.inputs else 0
        if not isinstance(node.op, IMAGES) or rank < 3:
            continue
        x, *rest = node.inputs
        y = node.output

        def add(op: Op, *inputs: Value, name: str, before=node) -> Value:
            return graph.add(op, *inputs, name=name, at=before.origin, before=before)

        last = add(ops.Transpose(perm=to_last(rank)), x, name=x.name)
        made = add(ChannelsLast(inner=node.op), last, *rest, name=y.name)
        first = add(ops.Transpose(perm=to_first(rank)), made, name=y.name)
        last.quant, made.quant, first.quant = x.quant, y.quant, y.quant
        graph.replace_node(node, first)
        count += 1
    return count


def transposes(graph: Graph) -> list[tuple[int, ...]]:
    """Return the permutations that are left."""
    return [n.op.perm for n in graph if isinstance(n.op, ops.Transpose)]


def moved_elements(graph: Graph) -> int:
    """Return how many elements all transpositions move."""
    total = 0
    for node in graph:
        if isinstance(node.op, ops.Transpose):
            shape = node.inputs[0].type.shape
            order = [axis for axis in node.op.perm if shape[axis] != 1]
            total += int(node.output.type.size) if order != sorted(order) else 0
    return total

"""Places that a mask chooses, for the frontends; their number is known at run time only."""

from __future__ import annotations

from mgeconvert.ir import ops
from mgeconvert.ir.builder import Builder
from mgeconvert.ir.dims import symbol
from mgeconvert.ir.graph import Value
from mgeconvert.ir.types import DType


def true_places(c: Builder, mask: Value) -> Value:
    """Return the int32 places, counted through all axes in order, where a bool tensor is true.

    The same mask always has the same places, and so the same symbol for their number.
    """
    known = _found(mask)
    if known is None:
        flat = c.reshape(mask, (-1,))
        known = c.emit(ops.NonZero(count=symbol(c.graph.unique("count"))), flat)
    return c.cast(known, DType.I32)


def mask_of(places: Value) -> Value | None:
    """Return the bool vector whose places these are, None where they are something else."""
    node = places.producer
    while node is not None and isinstance(node.op, ops.Cast):
        node = node.inputs[0].producer
    return node.inputs[0] if node is not None and isinstance(node.op, ops.NonZero) else None


def one_number(x: Value) -> Value | None:
    """Return the element of which x is an expansion, None where x has others, too."""
    if x.type.size == 1:
        return x
    node = x.producer
    if node is None or not isinstance(node.op, (ops.Expand, ops.Reshape)):
        return None
    return one_number(node.inputs[0])


def _found(mask: Value) -> Value | None:
    for node in mask.users:
        if isinstance(node.op, ops.NonZero):
            return node.output
        if isinstance(node.op, ops.Reshape) and node.output.type.rank == 1:
            for reader in node.output.users:
                if isinstance(reader.op, ops.NonZero):
                    return reader.output
    return None

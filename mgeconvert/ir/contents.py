"""What is known of the elements of an integer tensor: the dimensions that it holds."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mgeconvert.ir import ops
from mgeconvert.ir.dims import Dim, Shape, Sym, divide, product
from mgeconvert.ir.graph import Node, Value
from mgeconvert.ir.op import Array, Op
from mgeconvert.ir.types import DType

KEEPING = (
    *(ops.Squeeze, ops.Unsqueeze, ops.Reshape, ops.Cast, ops.Identity),
    *(ops.Floor, ops.Ceil, ops.Round),  # of whole numbers
)
LONGEST = 64  # elements of a tensor that is taken for a shape


def _remainder(a: Dim, b: Dim) -> Dim:
    """Return a mod b. A symbolic size is taken to be large enough for numbers."""
    if isinstance(a, int) and isinstance(b, Sym):
        return a if a >= 0 else b + a
    return a - (a // b) * b


ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ops.Add: operator.add,
    ops.Sub: operator.sub,
    ops.Mul: operator.mul,
    ops.FloorDiv: operator.floordiv,
    ops.Div: divide,
    ops.Mod: _remainder,
}


def dims_of(value: Value) -> Shape | None:
    """Return the elements of a scalar or vector of integers, as dimensions; None if not known.

    Floats count where they hold whole numbers: MegEngine multiplies sizes by factors.
    This is how arithmetic on shapes, as in x.reshape(x.shape[0], -1), is resolved: symbols stay
    symbols, and the nodes that computed the shape are dead afterwards.
    """
    if value.type.dtype is DType.BOOL or value.type.rank > 1:
        return None
    if not isinstance(value.type.size, int) or value.type.size > LONGEST:
        return None
    if value.const is not None:
        return _whole_numbers(value.const)
    node = value.producer
    if node is None:
        return None
    if isinstance(node.op, ops.DimVector):
        return node.op.dims
    known = [dims_of(v) for v in node.inputs]
    return _through(node, value, known)


def _whole_numbers(array: Array) -> Shape | None:
    if array.dtype.kind == "f" and not bool(
        (np.isfinite(array) & (np.floor(array) == array)).all()
    ):
        return None
    return tuple(int(n) for n in array.reshape(-1))


def _through(node: Node[Any], value: Value, known: Sequence[Shape | None]) -> Shape | None:
    """Compute the elements of `value` from those of the inputs of `node`."""
    op, first = node.op, known[0] if known else None
    if any(dims is None for dims in known) or first is None:
        return None
    if isinstance(op, ops.Split):
        return _split(op, first, value.index)
    if isinstance(op, ops.Concat):
        return tuple(d for dims in known for d in dims or ())
    if type(op) in ARITHMETIC:
        return _arithmetic(ARITHMETIC[type(op)], first, known[1] or ())
    if isinstance(op, ops.Gather):
        return _gather(first, known[1] or ())
    return _through_unary(op, value, first)


def _through_unary(op: Op, value: Value, dims: Shape) -> Shape | None:
    if isinstance(op, KEEPING):
        return dims
    if isinstance(op, ops.Slice):
        return _slice(op, dims)
    if isinstance(op, (ops.ReduceProd, ops.ReduceSum)):
        return (product(dims) if isinstance(op, ops.ReduceProd) else _sum(dims),)
    if isinstance(op, ops.Neg):
        return tuple(-d for d in dims)
    if isinstance(op, ops.Expand) and isinstance(value.type.size, int):
        return dims * value.type.size if len(dims) == 1 else dims
    return None


def _arithmetic(compute: Callable[[Any, Any], Any], a: Shape, b: Shape) -> Shape | None:
    length = max(len(a), len(b))
    a, b = (dims * length if len(dims) == 1 else dims for dims in (a, b))
    if compute not in (operator.add, operator.sub, operator.mul) and 0 in b:
        return None
    found = [compute(x, y) for x, y in zip(a, b, strict=True)]
    return None if None in found else tuple(found)


def _slice(op: ops.Slice, dims: Shape) -> Shape | None:
    (start,), (size,), (step,) = op.starts, op.sizes, op.steps
    if not isinstance(start, int) or not isinstance(size, int):
        return None
    return tuple(dims[start + i * step] for i in range(size))


def _split(op: ops.Split, dims: Shape, index: int) -> Shape | None:
    sizes = [s for s in op.sizes if isinstance(s, int)]
    if len(sizes) != len(op.sizes):
        return None
    start = int(np.sum(sizes[:index], dtype=int))
    return dims[start : start + sizes[index]]


def _gather(dims: Shape, indices: Shape) -> Shape | None:
    places = [i for i in indices if isinstance(i, int) and -len(dims) <= i < len(dims)]
    return tuple(dims[i] for i in places) if len(places) == len(indices) else None


def _sum(dims: Shape) -> Dim:
    total: Dim = 0
    for d in dims:
        total = total + d
    return total

"""Reading and writing by index, where each index tensor counts on its own."""

from __future__ import annotations

from collections.abc import Sequence

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.call import Call
from mgeconvert.frontends.mge.rules.index import Places, blend, places, sliced
from mgeconvert.frontends.mge.rules.table import RULES
from mgeconvert.ir import DType, Value, ops
from mgeconvert.ir.dims import Dim


@RULES("MeshIndexing")
def mesh(c: Call, x: Value, *operands: Value) -> Value:
    """All combinations of the indices, as numpy's ix_ gives them."""
    return _read(c, x, places(c, x, operands))


@RULES("SetMeshIndexing", limits="opset 11")
def set_mesh(c: Call, x: Value, new: Value, *operands: Value) -> Value:
    where = places(c, x, operands)
    return _write(c, x, where, c.expand(c.cast(new, x.type.dtype), _read(c, x, where).type.shape))


@RULES("IncrMeshIndexing", limits="opset 11; each place once")
def add_mesh(c: Call, x: Value, new: Value, *operands: Value) -> Value:
    where = places(c, x, operands)
    old = _read(c, x, where)
    total = c.emit(ops.Add(), old, c.expand(c.cast(new, x.type.dtype), old.type.shape))
    return _write(c, x, where, total)


def _read(c: Call, x: Value, where: Places) -> Value:
    y = sliced(c, x, where)
    for axis, index in where.indices.items():
        y = c.emit(ops.Gather(axis=axis), y, _vector(c, index))
    return y


def _vector(c: Call, index: Value) -> Value:
    if index.type.rank != 1:
        raise UnsupportedCase(f"an index {index.type} for one axis of a mesh")
    return c.cast(index, DType.I32)


def _write(c: Call, x: Value, where: Places, new: Value) -> Value:
    """Write the mesh from the last axis on: each step reads a part and puts it back."""
    part = sliced(c, x, where)
    return blend(c, x, where.spans, _at_indices(c, part, list(where.indices.items()), new))


def _at_indices(c: Call, x: Value, left: Sequence[tuple[int, Value]], new: Value) -> Value:
    if not left:
        return new
    (axis, index), *rest = left
    indices = _vector(c, index)
    inner = _at_indices(c, c.emit(ops.Gather(axis=axis), x, indices), rest, new)
    perm = [axis, *(a for a in range(x.type.rank) if a != axis)]
    back = [perm.index(a) for a in range(len(perm))]
    rows, values = (v if not axis else c.transpose(v, perm) for v in (x, inner))
    written = c.emit(ops.ScatterNd(), rows, c.unsqueeze(indices, [1]), values)
    return written if not axis else c.transpose(written, back)


@RULES("BatchedMeshIndexing")
def batched_mesh(c: Call, x: Value, *operands: Value) -> Value:
    """For each index of the first axis, places of its own along the others."""
    where = places(c, x, operands)
    y = sliced(c, x, where)
    for axis, index in where.indices.items():
        y = c.emit(ops.GatherElements(axis=axis), y, _by_batch(c, y, axis, index))
    return y


@RULES("BatchedSetMeshIndexing", limits="opset 9, one axis")
def batched_set_mesh(c: Call, x: Value, new: Value, *operands: Value) -> Value:
    return _in_batches(c, x, new, places(c, x, operands), "none")


@RULES("BatchedIncrMeshIndexing", limits="opset 16, one axis")
def batched_add_mesh(c: Call, x: Value, new: Value, *operands: Value) -> Value:
    return _in_batches(c, x, new, places(c, x, operands), "add")


def _in_batches(c: Call, x: Value, new: Value, where: Places, reduction: str) -> Value:
    if len(where.indices) != 1:
        raise UnsupportedCase(f"writing in batches along {len(where.indices)} axes")
    ((axis, index),) = where.indices.items()
    part = sliced(c, x, where)
    spread = _by_batch(c, part, axis, index)
    values = c.expand(c.cast(new, x.type.dtype), spread.type.shape)
    written = c.emit(ops.ScatterElements(axis=axis, reduction=reduction), part, spread, values)
    return blend(c, x, where.spans, written)


def _by_batch(c: Call, x: Value, axis: int, index: Value) -> Value:
    """Return an index of shape (batch, k) as one for all elements of x with k along `axis`."""
    if index.type.rank != 2:
        raise UnsupportedCase(f"an index {index.type} for one axis of a batch")
    batch, count = index.type.shape
    row: list[Dim] = [batch, *[1] * (x.type.rank - 2)]
    row.insert(axis, count)
    shape = list(x.type.shape)
    shape[axis] = count
    return c.expand(c.reshape(c.cast(index, DType.I32), row), shape)

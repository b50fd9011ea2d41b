"""MegEngine's operators that read and write by index, applied as they are.

An item of theirs is (axis, begin, end, step, index): flags for the tensors that follow, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.assign import assigned, fitted
from mgeconvert.frontends.traced.rules.index import read
from mgeconvert.frontends.traced.rules.places import Places, places, shared_grid
from mgeconvert.frontends.traced.rules.promotion import binary
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import DType, Value, ops
from mgeconvert.ir.dims import Dim

Items = Sequence[Sequence[int]]


@RULES("apply:Subtensor", "apply:IndexingMultiAxisVec")
def subtensor(
    c: Call, x: Value, *parts: Value, items: Items, slice_items: Sequence[Any] = ()
) -> Value:
    if slice_items:
        raise UnsupportedCase("a Subtensor with places of its own", hint="index with x[...]")
    return read(c, x, _places(c, x, items, parts))


@RULES("apply:SetSubtensor", "apply:IndexingSetMultiAxisVec")
def set_subtensor(c: Call, x: Value, value: Value, *parts: Value, items: Items) -> Value:
    return assigned(c, x, _places(c, x, items, parts), value)


@RULES("apply:IncrSubtensor")
def incr_subtensor(c: Call, x: Value, value: Value, *parts: Value, items: Items) -> Value:
    wanted = _places(c, x, items, parts)
    return assigned(c, x, wanted, binary(c, ops.Add(), read(c, x, wanted), value))


@RULES("apply:MeshIndexing")
def mesh_indexing(c: Call, x: Value, *parts: Value, items: Items) -> Value:
    """Along one axis after the other, as numpy's ix_ does."""
    result = x
    for axis, index in enumerate(_entries(c, x, items, parts)):
        whole: list[Any] = [slice(None)] * x.type.rank
        whole[axis] = index
        result = read(c, result, places(c, result, tuple(whole)))
    return result


@RULES("apply:SetMeshIndexing")
def set_mesh_indexing(c: Call, x: Value, value: Value, *parts: Value, items: Items) -> Value:
    return _in_mesh(c, x, value, _entries(c, x, items, parts), _replaced)


@RULES("apply:IncrMeshIndexing")
def incr_mesh_indexing(c: Call, x: Value, value: Value, *parts: Value, items: Items) -> Value:
    return _in_mesh(c, x, value, _entries(c, x, items, parts), _added)


@RULES("apply:IndexingIncrMultiAxisVec", limits="opset 16; no slices beside the index tensors")
def indexing_incr_multi_axis_vec(
    c: Call, x: Value, value: Value, *parts: Value, items: Items
) -> Value:
    """Every index counts, also where the same one comes more than once."""
    wanted = _places(c, x, items, parts)
    if wanted.numbered or any(wanted.items[a] != slice(None) for a in wanted.sliced):
        raise UnsupportedCase("adding at index tensors beside slices", hint="write it with x[...]")
    perm = [*wanted.gathered, *wanted.sliced]
    back = [perm.index(a) for a in range(len(perm))]
    indices = shared_grid(c, wanted.tensors, wanted.grid)
    turned = c.transpose(x, perm)
    new = fitted(c, x, wanted, c.cast(value, x.type.dtype))
    return c.transpose(c.emit(ops.ScatterNd(reduction="add"), turned, indices, new), back)


@RULES("apply:BatchedMeshIndexing")
def batched_mesh_indexing(c: Call, x: Value, *parts: Value, items: Items) -> Value:
    """For each index of the first axis, places of its own along the others."""
    result = x
    for axis, index in _batched(c, x, items, parts):
        result = c.emit(ops.GatherElements(axis=axis), result, _spread(c, result, axis, index))
    return result


@RULES("apply:BatchedSetMeshIndexing", limits="opset 9, one axis")
def batched_set_mesh_indexing(
    c: Call, x: Value, value: Value, *parts: Value, items: Items
) -> Value:
    return _in_batches(c, x, value, _batched(c, x, items, parts), "none")


@RULES("apply:BatchedIncrMeshIndexing", limits="opset 16, one axis")
def batched_incr_mesh_indexing(
    c: Call, x: Value, value: Value, *parts: Value, items: Items
) -> Value:
    return _in_batches(c, x, value, _batched(c, x, items, parts), "add")


@RULES("apply:IndexingOneHot")
def indexing_one_hot(c: Call, x: Value, index: Value, *, axis: int, ndim: int = 0) -> Value:
    indices = c.unsqueeze(c.cast(index, DType.I32), [axis])
    return c.emit(ops.GatherElements(axis=axis), x, indices)


@RULES("apply:IndexingSetOneHot", limits="opset 9")
def indexing_set_one_hot(
    c: Call, x: Value, index: Value, value: Value, *, axis: int, ndim: int = 0
) -> Value:
    indices = c.unsqueeze(c.cast(index, DType.I32), [axis])
    return c.emit(ops.ScatterElements(axis=axis), x, indices, value)


def _batched(
    c: Call, x: Value, items: Items, parts: Sequence[Value]
) -> Sequence[tuple[int, Value]]:
    """Return the axes and their index tensors of two axes each."""
    entries = enumerate(_entries(c, x, items, parts))
    found = [(axis, c.cast(i, DType.I32)) for axis, i in entries if isinstance(i, Value)]
    if len(found) != len(items) or any(i.type.rank != 2 for _, i in found):
        raise UnsupportedCase("batched indexing with slices", hint="index with x[...]")
    return found


def _spread(c: Call, x: Value, axis: int, index: Value) -> Value:
    """Return an index of shape (batch, k) as one for all elements of x with k along `axis`."""
    batch, count = index.type.shape
    others = [1] * (x.type.rank - 2)
    row: list[Dim] = [batch, *others]
    row.insert(axis, count)
    shape = list(x.type.shape)
    shape[axis] = count
    return c.expand(c.reshape(index, row), shape)


def _in_batches(
    c: Call, x: Value, value: Value, found: Sequence[tuple[int, Value]], reduction: str
) -> Value:
    if len(found) != 1:
        raise UnsupportedCase(f"writing in batches along {len(found)} axes")
    ((axis, index),) = found
    places = _spread(c, x, axis, index)
    new = c.expand(value, places.type.shape)
    return c.emit(ops.ScatterElements(axis=axis, reduction=reduction), x, places, new)


def _in_mesh(
    c: Call,
    x: Value,
    value: Value,
    entries: Sequence[Any],
    combine: Callable[[Call, Value, Value], Value],
) -> Value:
    """Write from the last axis on: each step reads a part, writes into it, and puts it back."""
    axes = [a for a, entry in enumerate(entries) if entry != slice(None)]
    if not axes:
        return combine(c, x, value)
    whole: list[Any] = [slice(None)] * x.type.rank
    whole[axes[0]] = entries[axes[0]]
    wanted = places(c, x, tuple(whole))
    rest = [slice(None) if a == axes[0] else entry for a, entry in enumerate(entries)]
    return assigned(c, x, wanted, _in_mesh(c, read(c, x, wanted), value, rest, combine))


def _replaced(c: Call, old: Value, new: Value) -> Value:
    return c.expand(new, old.type.shape)


def _added(c: Call, old: Value, new: Value) -> Value:
    return binary(c, ops.Add(), old, new)


def _places(c: Call, x: Value, items: Items, parts: Sequence[Value]) -> Places:
    return places(c, x, tuple(_entries(c, x, items, parts)))


def _entries(c: Call, x: Value, items: Items, parts: Sequence[Value]) -> list[Any]:
    """Return an index for each axis."""
    left = iter(parts)
    entries: list[Any] = [slice(None)] * x.type.rank
    for axis, begin, end, step, index in items:
        bounds = [next(left) if flag else None for flag in (begin, end, step)]
        entries[c.axis(axis, x.type.rank)] = next(left) if index else slice(*bounds)
    return entries

"""Operators that read or write at computed places."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.backends.onnx.rules import versioned
from mgeconvert.backends.onnx.rules.comparison import less
from mgeconvert.backends.onnx.rules.counting import number, row
from mgeconvert.backends.onnx.rules.dims import known, vector
from mgeconvert.backends.onnx.rules.table import RULES
from mgeconvert.backends.onnx.rules.typed import cast, cast_from
from mgeconvert.ir import Dim, DType, Node, Shape, Value, ops
from mgeconvert.ir.dims import product

NO_NEGATIVES = "below opset 11 computed indices are not negative"


@RULES(ops.Gather, since=11)
def gather(e: Emitter, node: Node[ops.Gather]) -> str:
    return e.emit("Gather", *e.inputs(node), axis=node.op.axis)


@RULES(ops.Gather, since=7, limits=NO_NEGATIVES)
def gather_from_front(e: Emitter, node: Node[ops.Gather]) -> str:
    """Negative indices came with opset 11: constant ones are counted from the front here."""
    x, indices = e.inputs(node)
    size, const = node.inputs[0].type.shape[node.op.axis], node.inputs[1].const
    if const is not None and bool((const < 0).any()):
        if not isinstance(size, int):
            raise e.refuse(f"negative indices into {size} elements", 11)
        indices = e.constant(np.where(const < 0, const + size, const), "indices")
    return e.emit("Gather", x, indices, axis=node.op.axis)


@RULES(ops.GatherElements, since=11)
def gather_elements(e: Emitter, node: Node[ops.GatherElements]) -> str:
    return e.emit("GatherElements", *e.inputs(node), axis=node.op.axis)


@RULES(ops.GatherElements, since=7)
def gather_elements_flat(e: Emitter, node: Node[ops.GatherElements]) -> str:
    """Gather from the flat x at index * stride + where the other axes are."""
    x, axis, shape = e.name(node.inputs[0]), node.op.axis, node.inputs[0].type.shape
    strides = [product(shape[i + 1 :]) for i in range(len(shape))]
    index = _from_front(e, node.inputs[1], number(e, shape[axis]))
    index = e.emit("Mul", index, number(e, strides[axis]))
    others = [i for i in range(len(shape)) if i != axis]
    index = _add_places(e, index, others, sizes=node.output.type.shape, strides=strides)
    return e.emit("Gather", versioned.reshape(e, x, [-1]), index, axis=0)


def _from_front(e: Emitter, indices: Value, size: str) -> str:
    """Emit int64 indices with those below 0 counted from the front."""
    index = cast_from(e, e.name(indices), old=indices.type.dtype, new=DType.I64)
    negative = cast(e, less(e, "Less", DType.I64, index, e.scalar(0, DType.I64)), DType.I64)
    return e.emit("Add", index, e.emit("Mul", negative, size))


def _add_places(
    e: Emitter, index: str, axes: Sequence[int], *, sizes: Shape, strides: Sequence[Dim]
) -> str:
    """Emit index + the place along each of `axes` * its stride; `sizes` is the index's shape."""
    rank = len(sizes)
    shape, steps = known(sizes), known(strides)
    if shape is not None and steps is not None:
        grid = np.indices(shape, np.int64, sparse=True)
        places = sum((grid[i] * steps[i] for i in axes), np.zeros((1,) * rank, np.int64))
        return e.emit("Add", index, e.constant(places, "places"))
    for axis in axes:
        place = e.emit("Mul", row(e, sizes[axis]), number(e, strides[axis]))
        place = versioned.unsqueeze(e, place, [i for i in range(rank) if i != axis])
        index = e.emit("Add", index, place)
    return index


@RULES(ops.GatherNd, since=11)
def gather_nd(e: Emitter, node: Node[ops.GatherNd]) -> str | Sequence[str]:
    if e.opset < 12 and node.op.batch_dims:
        return gather_nd_flat(e, node)
    x, indices = e.inputs(node)
    indices = cast_from(e, indices, old=node.inputs[1].type.dtype, new=DType.I64)
    return e.emit("GatherND", x, indices, batch_dims=node.op.batch_dims or None)


@RULES(ops.GatherNd, since=7)
def gather_nd_flat(e: Emitter, node: Node[ops.GatherNd]) -> str:
    """Make the indexed axes one, and gather from it at the sum of index * stride."""
    batch, places = node.op.batch_dims, node.inputs[1].type
    depth = places.shape[-1]
    assert isinstance(depth, int)
    shape = node.inputs[0].type.shape
    indexed, rest = shape[: batch + depth], shape[batch + depth :]
    strides = [product(indexed[i + 1 :]) for i in range(len(indexed))]
    index = _from_front(e, node.inputs[1], vector(e, indexed[batch:], "sizes"))
    index = e.emit("Mul", index, vector(e, strides[batch:], "strides"))
    index = versioned.reduce(e, "ReduceSum", index, axes=[places.rank - 1], keepdims=False)
    index = _add_places(e, index, range(batch), sizes=places.shape[:-1], strides=strides)
    flat = e.emit("Reshape", e.name(node.inputs[0]), vector(e, [-1, *rest]))
    return e.emit("Gather", flat, index, axis=0)


@RULES(
    ops.ScatterElements,
    since=7,
    limits="from opset 9 on, adding from 16 on; below opset 11 computed indices are not negative",
)
def scatter_elements(e: Emitter, node: Node[ops.ScatterElements]) -> str:
    """Called Scatter at opsets 9 and 10; the reduction came with 16."""
    adds = node.op.reduction == "add"
    if e.opset < (16 if adds else 9):
        raise e.refuse(f"ScatterElements{' that adds' * adds}", 16 if adds else 9)
    name = "ScatterElements" if e.opset >= 11 else "Scatter"
    return e.emit(name, *e.inputs(node), axis=node.op.axis, reduction="add" if adds else None)


@RULES(ops.ScatterNd, since=7, limits="from opset 11 on, adding from 16 on")
def scatter_nd(e: Emitter, node: Node[ops.ScatterNd]) -> str:
    adds = node.op.reduction == "add"
    if e.opset < (16 if adds else 11):
        raise e.refuse(f"ScatterNd{' that adds' * adds}", 16 if adds else 11)
    x, indices, updates = e.inputs(node)
    indices = cast_from(e, indices, old=node.inputs[1].type.dtype, new=DType.I64)
    return e.emit("ScatterND", x, indices, updates, reduction="add" if adds else None)


@RULES(ops.OneHot, since=7)
def one_hot(e: Emitter, node: Node[ops.OneHot]) -> str:
    """index == 0, 1, 2 ...: unlike ONNX's OneHot, negative indices are nowhere hot."""
    x = node.inputs[0]
    places = e.constant(np.arange(node.op.depth, dtype=x.type.dtype.numpy), "places")
    return cast(
        e, e.emit("Equal", versioned.unsqueeze(e, e.name(x), [x.type.rank]), places), node.op.dtype
    )

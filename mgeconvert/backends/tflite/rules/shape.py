"""Operators that move, select or repeat elements, and reductions."""

from __future__ import annotations

import numpy as np

from mgeconvert.backends.tflite.dims import has_symbols, scalar, vector
from mgeconvert.backends.tflite.emitter import Emitter
from mgeconvert.backends.tflite.rules.table import RULES
from mgeconvert.backends.tflite.schema import options, schema, type_number
from mgeconvert.errors import InternalError
from mgeconvert.ir import DType, Node, Op, TensorType, ops

REDUCTIONS: dict[type[Op], str] = {
    ops.ReduceSum: "SUM",
    ops.ReduceMean: "MEAN",
    ops.ReduceMax: "REDUCE_MAX",
    ops.ReduceMin: "REDUCE_MIN",
    ops.ReduceProd: "REDUCE_PROD",
}


@RULES(*REDUCTIONS)
def reduce(e: Emitter, node: Node[ops.ReduceSum]) -> None:
    given = options("ReducerOptions", keepDims=node.op.keepdims)
    axes = e.ints(node.op.reduced, "axes")
    e.emit(REDUCTIONS[type(node.op)], [*node.inputs, axes], node.outputs, given)


@RULES(ops.Transpose)
def transpose(e: Emitter, node: Node[ops.Transpose]) -> None:
    perm = e.ints(node.op.perm, "perm")
    e.emit("TRANSPOSE", [*node.inputs, perm], node.outputs, options("TransposeOptions"))


@RULES(ops.Reshape, ops.Squeeze, ops.Unsqueeze)
def reshape(e: Emitter, node: Node[Op]) -> None:
    """One symbolic dimension is -1; more are computed."""
    shape = node.outputs[0].type.shape
    unknown = [i for i, d in enumerate(shape) if not isinstance(d, int)]
    given = options("ReshapeOptions")
    if len(unknown) > 1 or (unknown and 0 in shape):
        e.emit("RESHAPE", [*node.inputs, vector(e, shape)], node.outputs, given)
        return
    numbers = [d if isinstance(d, int) else -1 for d in shape]
    given.newShape = numbers
    e.emit("RESHAPE", [*node.inputs, e.ints(numbers, "shape")], node.outputs, given)


@RULES(ops.Expand)
def expand(e: Emitter, node: Node[ops.Expand]) -> None:
    shape = vector(e, node.op.shape)
    e.emit("BROADCAST_TO", [*node.inputs, shape], node.outputs, options("BroadcastToOptions"))


@RULES(ops.Concat)
def concat(e: Emitter, node: Node[ops.Concat]) -> None:
    given = options("ConcatenationOptions", axis=node.op.axis)
    e.emit("CONCATENATION", node.inputs, node.outputs, given)


@RULES(ops.Split)
def split(e: Emitter, node: Node[ops.Split]) -> None:
    axis = e.constant(np.array(node.op.axis, np.int32), "axis")
    count = len(node.op.sizes)
    if len(set(node.op.sizes)) == 1:
        e.emit(
            "SPLIT", [axis, *node.inputs], node.outputs, options("SplitOptions", numSplits=count)
        )
        return
    given = options("SplitVOptions", numSplits=count)
    e.emit("SPLIT_V", [*node.inputs, vector(e, node.op.sizes), axis], node.outputs, given)


@RULES(ops.Slice)
def slice_(e: Emitter, node: Node[ops.Slice]) -> None:
    """SLICE where the steps are 1, else STRIDED_SLICE; ends before the first element are masked."""
    op = node.op
    if all(s == 1 for s in op.steps):
        starts, sizes = vector(e, op.starts), vector(e, op.sizes)
        e.emit("SLICE", [*node.inputs, starts, sizes], node.outputs, options("SliceOptions"))
        return
    ends, mask = [], 0
    for axis, (start, size, step) in enumerate(zip(op.starts, op.sizes, op.steps)):
        end = start + size * step
        if step < 0 and not (isinstance(end, int) and end >= 0):
            mask |= 1 << axis
            end = 0
        ends.append(end)
    places = vector(e, op.starts), vector(e, ends), e.ints(op.steps, "steps")
    given = options("StridedSliceOptions", endMask=mask)
    e.emit("STRIDED_SLICE", [*node.inputs, *places], node.outputs, given)


@RULES(ops.Pad)
def pad(e: Emitter, node: Node[ops.Pad]) -> None:
    (x,) = node.inputs
    op = node.op
    sizes = e.constant(np.array(op.pads, np.int32).reshape(-1, 2), "pads")
    if op.mode == "constant" and (op.value == 0 or x.quant is not None):
        _pad_constant(e, node, sizes)
    elif op.mode == "constant":
        value = e.constant(np.array(op.value, x.type.dtype.numpy), "border")
        e.emit("PADV2", [x, sizes, value], node.outputs, options("PadV2Options"))
    elif op.mode == "reflect":
        given = options("MirrorPadOptions", mode=schema.MirrorPadMode.REFLECT)
        e.emit("MIRROR_PAD", [x, sizes], node.outputs, given)
    else:
        raise InternalError(f"padding {op.mode!r} has not been legalized")


def _pad_constant(e: Emitter, node: Node[ops.Pad], sizes: int) -> None:
    (x,) = node.inputs
    if node.op.value == 0:
        e.emit("PAD", [x, sizes], node.outputs, options("PadOptions"))
        return
    border = e.constant(np.array(node.op.value, x.type.dtype.numpy), "border", x.quant)
    e.emit("PADV2", [x, sizes, border], node.outputs, options("PadV2Options"))


@RULES(ops.Tile)
def tile(e: Emitter, node: Node[ops.Tile]) -> None:
    e.emit("TILE", [*node.inputs, vector(e, node.op.repeats)], node.outputs, options("TileOptions"))


@RULES(ops.CumSum)
def cumsum(e: Emitter, node: Node[ops.CumSum]) -> None:
    given = options("CumsumOptions", exclusive=node.op.exclusive, reverse=node.op.reverse)
    axis = e.constant(np.array(node.op.axis, np.int32), "axis")
    e.emit("CUMSUM", [*node.inputs, axis], node.outputs, given)


@RULES(ops.DimVector)
def dim_vector(e: Emitter, node: Node[ops.DimVector]) -> None:
    """Shapes that the model itself computes with."""
    op = node.op
    source = vector(e, op.dims)
    if op.scalar:
        source = _reshaped(e, source, op)
    given = options(
        "CastOptions", inDataType=type_number(DType.I32), outDataType=type_number(op.dtype)
    )
    if op.dtype is DType.I32:
        shape = [] if op.scalar else [len(op.dims)]
        e.emit("RESHAPE", [source, e.ints(shape, "shape")], node.outputs, options("ReshapeOptions"))
        return
    e.emit("CAST", [source], node.outputs, given)


def _reshaped(e: Emitter, source: int, op: ops.DimVector) -> int:
    made = e.temporary(TensorType(DType.I32, ()), "dim")
    e.emit("RESHAPE", [source, e.ints([], "shape")], [made], options("ReshapeOptions"))
    return made


@RULES(ops.Range)
def range_(e: Emitter, node: Node[ops.Range]) -> None:
    if not has_symbols([node.op.count]):
        raise InternalError("a constant range has not been folded")
    zero, one = (e.constant(np.array(n, np.int32), "scalar") for n in (0, 1))
    e.emit("RANGE", [zero, scalar(e, node.op.count), one], node.outputs, options("RangeOptions"))

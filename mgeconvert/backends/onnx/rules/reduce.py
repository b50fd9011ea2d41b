"""Reductions, orderings and running sums."""

from __future__ import annotations

import numpy as np

from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.backends.onnx.rules import versioned
from mgeconvert.backends.onnx.rules.counting import row
from mgeconvert.backends.onnx.rules.table import RULES
from mgeconvert.backends.onnx.rules.typed import carrier, cast, cast_from
from mgeconvert.ir import Dim, DType, Node, Op, ops
from mgeconvert.ir.ops.reduce import Arg, Reduction

REDUCTIONS: dict[type[Op], str] = {
    ops.ReduceSum: "ReduceSum",
    ops.ReduceMean: "ReduceMean",
    ops.ReduceMax: "ReduceMax",
    ops.ReduceMin: "ReduceMin",
    ops.ReduceProd: "ReduceProd",
}
ARGS: dict[type[Op], str] = {ops.ArgMax: "ArgMax", ops.ArgMin: "ArgMin"}
SOFT: dict[type[Op], str] = {ops.Softmax: "Softmax", ops.LogSoftmax: "LogSoftmax"}


@RULES(*REDUCTIONS, since=7)
def reduction(e: Emitter, node: Node[Reduction]) -> str:
    (x,) = e.inputs(node)
    op_type, dtype = REDUCTIONS[type(node.op)], node.output.type.dtype
    if not node.op.reduced:
        return e.emit("Identity", x)
    through = carrier(e, op_type, dtype)
    if dtype.is_integer and op_type == "ReduceMean":
        through = DType.F64
    elif dtype is DType.F16 and op_type in ("ReduceSum", "ReduceMean", "ReduceProd"):
        through = DType.F32
    x = cast_from(e, x, old=dtype, new=through)
    y = versioned.reduce(e, op_type, x, axes=node.op.reduced, keepdims=node.op.keepdims)
    return cast_from(e, y, old=through, new=dtype)


@RULES(*ARGS, since=7)
def arg(e: Emitter, node: Node[Arg]) -> str:
    (x,) = e.inputs(node)
    op_type, dtype = ARGS[type(node.op)], node.inputs[0].type.dtype
    x = cast_from(e, x, old=dtype, new=carrier(e, op_type, dtype))
    return e.emit(op_type, x, axis=node.op.axis, keepdims=int(node.op.keepdims))


@RULES(*SOFT, since=13)
def soft(e: Emitter, node: Node[ops.Softmax]) -> str:
    return e.emit(SOFT[type(node.op)], *e.inputs(node), axis=node.op.axis)


@RULES(*SOFT, since=7)
def soft_of_matrix(e: Emitter, node: Node[ops.Softmax]) -> str:
    """Below opset 13 all axes from `axis` on count as one, so that the axis has to be the last."""
    (x,) = e.inputs(node)
    last = node.output.type.rank - 1
    op_type, axis = SOFT[type(node.op)], node.op.axis
    if axis == last or all(d == 1 for d in node.output.type.shape[axis + 1 :]):
        return e.emit(op_type, x, axis=axis)
    perm = list(range(last + 1))
    perm[axis], perm[last] = last, axis
    y = e.emit(op_type, e.emit("Transpose", x, perm=perm), axis=last)
    return e.emit("Transpose", y, perm=perm)


@RULES(ops.TopK, since=7)
def top_k(e: Emitter, node: Node[ops.TopK]) -> list[str]:
    (x,) = e.inputs(node)
    op, dtype = node.op, node.inputs[0].type.dtype
    through = carrier(e, "TopK", dtype)
    x = cast_from(e, x, old=dtype, new=through)
    negate = not op.largest and e.opset < 11
    x = e.emit("Neg", x) if negate else x
    if e.opset < 10:
        values, indices = e.emit_multi("TopK", x, count=2, axis=op.axis, k=op.k)
    else:
        largest = int(op.largest) if e.opset >= 11 else None
        k = e.ints([op.k], "k")
        values, indices = e.emit_multi("TopK", x, k, count=2, axis=op.axis, largest=largest)
    values = e.emit("Neg", values) if negate else values
    return [cast_from(e, values, old=through, new=dtype), indices]


@RULES(ops.CumSum, since=11)
def cum_sum(e: Emitter, node: Node[ops.CumSum]) -> str:
    (x,) = e.inputs(node)
    op, dtype = node.op, node.output.type.dtype
    through = carrier(e, "CumSum", dtype)
    axis = e.scalar(op.axis, DType.I64, "axis")
    x = cast_from(e, x, old=dtype, new=through)
    y = e.emit("CumSum", x, axis, exclusive=int(op.exclusive), reverse=int(op.reverse))
    return cast_from(e, y, old=through, new=dtype)


@RULES(ops.CumSum, since=7, limits="below opset 11 the values are finite")
def cum_sum_by_matrix(e: Emitter, node: Node[ops.CumSum]) -> str:
    """Multiply by the triangular matrix of ones."""
    op, type_ = node.op, node.output.type
    size, last = type_.shape[op.axis], type_.rank - 1
    dtype = DType.F64 if type_.dtype.is_integer else type_.dtype
    if type_.dtype in (DType.I64, DType.U64):
        dtype = carrier(e, "MatMul", type_.dtype)
    perm = list(range(last + 1))
    perm[op.axis], perm[last] = last, op.axis
    x = cast_from(e, e.name(node.inputs[0]), old=type_.dtype, new=dtype)
    x = x if op.axis == last else e.emit("Transpose", x, perm=perm)
    if not last:  # MatMul takes a vector, but not every runtime does
        x = versioned.unsqueeze(e, x, [0])
    y = e.emit("MatMul", x, _triangle(e, size, dtype, op))
    y = versioned.squeeze(e, y, [0]) if not last else y
    y = y if op.axis == last else e.emit("Transpose", y, perm=perm)
    if type_.dtype.is_integer and dtype is DType.F64:  # wraps as int64 does, floats would not
        y = cast(e, y, DType.I64)
        dtype = DType.I64
    return cast_from(e, y, old=dtype, new=type_.dtype)


def _triangle(e: Emitter, size: Dim, dtype: DType, op: ops.CumSum) -> str:
    """Return the matrix that has 1 where the row's element counts for the column's sum."""
    if isinstance(size, int):
        ones = np.triu(np.ones((size, size), dtype.numpy), int(op.exclusive))
        return e.constant(ones.T if op.reverse else ones, "triangle")
    place = cast(e, row(e, size), DType.F64)  # below opset 9 only floats compare
    rows, columns = versioned.unsqueeze(e, place, [1]), versioned.unsqueeze(e, place, [0])
    first, second = (columns, rows) if op.reverse else (rows, columns)
    if op.exclusive:
        return cast(e, e.emit("Less", first, second), dtype)
    return cast(e, e.emit("Not", e.emit("Greater", first, second)), dtype)

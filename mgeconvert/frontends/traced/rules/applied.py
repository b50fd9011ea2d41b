"""Operators of MegEngine on shapes, axes and matrices that a model applies as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules import join, linear, ranges, select
from mgeconvert.frontends.traced.rules.elementwise import element_type
from mgeconvert.frontends.traced.rules.order import ordered
from mgeconvert.frontends.traced.rules.order import topk as kept_topk
from mgeconvert.frontends.traced.rules.reduce import index_of, reduced, total
from mgeconvert.frontends.traced.rules.shape import broadcast_to, transpose
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import DType, Value, ops

NO_AXIS = 2**31 - 1  # MegEngine's way to say all axes
REDUCTIONS: dict[str, Any] = {
    "PRODUCT": ops.ReduceProd,
    "MAX": ops.ReduceMax,
    "MIN": ops.ReduceMin,
}


@RULES("apply:Reduce")
def reduce(
    c: Call,
    x: Value,
    *,
    mode: str = "SUM",
    axis: int = NO_AXIS,
    keepdim: bool = True,
    data_type: str = "DEFAULT",
) -> Value:
    where, keep = (None, False) if axis == NO_AXIS else (axis, keepdim)
    if data_type != "DEFAULT":
        raise UnsupportedCase(f"a reduction with the element types {data_type}")
    if mode == "SUM":
        return total(c, x, where, keep)
    if mode == "SUM_SQR":
        return total(c, c.emit(ops.Mul(), x, x), where, keep)
    if mode == "MEAN":
        return reduced(c, ops.ReduceMean, c.cast(x, DType.F32), where, keepdims=keep)
    number = c.cast(x, DType.I32) if x.type.dtype is DType.BOOL else x
    return c.cast(reduced(c, REDUCTIONS[mode], number, where, keepdims=keep), x.type.dtype)


@RULES("apply:Argmax")
def argmax(c: Call, x: Value, *, axis: int = 0) -> Value:
    return index_of(c, ops.ArgMax, x, c.axis(axis, x.type.rank), keepdims=True)


@RULES("apply:Argmin")
def argmin(c: Call, x: Value, *, axis: int = 0) -> Value:
    return index_of(c, ops.ArgMin, x, c.axis(axis, x.type.rank), keepdims=True)


@RULES("apply:Argsort")
def argsort(c: Call, x: Value, *, order: str = "ASCENDING") -> tuple[Value, Value]:
    return ordered(c, x, x.type.shape[-1], descending=order == "DESCENDING")


@RULES("apply:TopK")
def topk(c: Call, x: Value, k: Value, *, mode: str = "KTH_ONLY") -> Any:
    """The greatest elements where k is negative."""
    count = c.numbers(k)[0]
    values = kept_topk(c, x, abs(count), count < 0, mode == "KTH_ONLY")
    return values[0] if mode == "KTH_ONLY" else values


@RULES("apply:Cumsum")
def cumsum(
    c: Call, x: Value, *, axis: int = NO_AXIS, exclusive: bool = True, reverse: bool = False
) -> Value:
    place = c.axis(axis, x.type.rank)
    return c.emit(ops.CumSum(axis=place, exclusive=bool(exclusive), reverse=bool(reverse)), x)


@RULES("apply:Reshape")
def reshape(
    c: Call, x: Value, target: Value | None = None, *, shape: Sequence[int] = (), axis: int = 7
) -> Value:
    return c.reshape(x, c.shape(list(shape) if target is None else target))


@RULES("apply:Broadcast")
def broadcast(
    c: Call, x: Value, target: Value | None = None, *, shape: Sequence[int] = ()
) -> Value:
    return broadcast_to(c, x, list(shape) if target is None else target)


@RULES("apply:AddAxis")
def add_axis(c: Call, x: Value, *, axis: Sequence[int]) -> Value:
    """One after the other, each counted with those before."""
    for place in axis:
        x = c.unsqueeze(x, [place])
    return x


@RULES("apply:RemoveAxis")
def remove_axis(c: Call, x: Value, *, axis: Sequence[int]) -> Value:
    """One after the other, each counted without those before."""
    for place in axis:
        x = c.squeeze(x, [place])
    return x


@RULES("apply:Dimshuffle")
def dimshuffle(c: Call, x: Value, *, pattern: Sequence[int]) -> Value:
    """-1 stands for an axis that is added."""
    return transpose(c, x, ["x" if p == -1 else p for p in pattern])


@RULES("apply:Concat")
def concat(c: Call, *inputs: Value, axis: int = 0, comp_node: Any = None) -> Value:
    return join.concat(c, inputs, axis)


@RULES("apply:Stack")
def stack(c: Call, *inputs: Value, axis: int = 0, comp_node: Any = None) -> Value:
    return join.stack(c, inputs, axis)


@RULES("apply:Split")
def split(c: Call, x: Value, *sizes: Value, axis: int = 0, nsections: int = 0) -> Any:
    """In equal parts, or in those of the sizes given."""
    if not sizes:
        return join.split(c, x, nsections, axis)
    op = ops.Split(axis=c.axis(axis, x.type.rank), sizes=tuple(c.dim(s) for s in sizes))
    return c.emit_multi(op, x)


@RULES("apply:MatrixMul", "apply:BatchedMatrixMul")
def matrix_mul(
    c: Call,
    a: Value,
    b: Value,
    *,
    transposeA: bool = False,
    transposeB: bool = False,
    compute_mode: str = "DEFAULT",
    format: str = "DEFAULT",
    dimA: int = 0,
    dimB: int = 0,
    strategy: Any = None,
    workspace_limit: int = 0,
) -> Value:
    if format != "DEFAULT":
        raise UnsupportedCase(f"a product of matrices in the format {format}")
    return linear.matmul(c, a, b, transposeA, transposeB)


@RULES("apply:Dot")
def dot(c: Call, a: Value, b: Value) -> Value:
    return linear.dot(c, a, b)


@RULES("apply:Diag")
def diag(c: Call, x: Value, *, k: int = 0) -> Value:
    return ranges.diag(c, x, k)


@RULES("apply:MeshGrid")
def mesh_grid(c: Call, *inputs: Value, indexing: str = "xy") -> list[Value]:
    return ranges.meshgrid(c, *inputs, indexing=indexing)


@RULES("apply:Linspace")
def linspace(
    c: Call, start: Value, stop: Value, num: Value, *, endpoint: bool = True, comp_node: Any = None
) -> Value:
    if not endpoint:
        raise UnsupportedCase("a linspace without its end")
    return ranges.linspace(c, start, stop, num)


@RULES("apply:Eye")
def eye(
    c: Call, size: Value, *, k: int = 0, dtype: Any = "float32", comp_node: Any = None
) -> Value:
    sizes = c.shape(size)
    return ranges.diagonal(c, sizes[0], sizes[-1], element_type(dtype), k)


@RULES("apply:Fill")
def fill(
    c: Call, size: Value, *, value: float = 0.0, dtype: Any = None, comp_node: Any = None
) -> Value:
    return c.full(c.shape(size), value, element_type(dtype))


@RULES("apply:FillLike")
def fill_like(c: Call, x: Value, *, value: float = 0.0, comp_node: Any = None) -> Value:
    return c.full(x.type.shape, value, x.type.dtype)


@RULES("apply:Softmax")
def softmax(c: Call, x: Value, *, axis: int = -1) -> Value:
    return c.emit(ops.Softmax(axis=c.axis(axis, x.type.rank)), x)


@RULES("apply:CondTake")
def cond_take(c: Call, x: Value, mask: Value) -> tuple[Value, Value]:
    return select.cond_take(c, mask, x)

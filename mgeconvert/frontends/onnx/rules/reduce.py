"""Reductions, orderings and running sums."""

from __future__ import annotations

from collections.abc import Sequence

from mgeconvert.errors import ShapeError, UnsupportedCase
from mgeconvert.frontends.onnx.call import Call
from mgeconvert.frontends.onnx.rules.table import RULES
from mgeconvert.ir import DType, Op, Value, ops
from mgeconvert.ir.ops.reduce import Reduction

REDUCTIONS: dict[str, type[Reduction]] = {
    op.__name__: op
    for op in (ops.ReduceSum, ops.ReduceMean, ops.ReduceMax, ops.ReduceMin, ops.ReduceProd)
}
COMPOSED = ("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare")
ARGS: dict[str, type[ops.ArgMax | ops.ArgMin]] = {"ArgMax": ops.ArgMax, "ArgMin": ops.ArgMin}


def _axes(c: Call, x: Value, given: Value | None) -> tuple[int, ...]:
    """Return the axes, an attribute or an input; none are all, or none where the node says so."""
    axes: Sequence[int] = c.attribute("axes", ()) if given is None else c.ints(given)
    if not axes and not c.attribute("noop_with_empty_axes", 0):
        return tuple(range(x.type.rank))
    return tuple(sorted({c.axis(a, x.type.rank) for a in axes}))


@RULES(*REDUCTIONS, since=1)
def reduction(c: Call, x: Value, axes: Value | None = None) -> Value:
    return _reduced(c, REDUCTIONS[c.node.op_type], x, axes)


def _reduced(c: Call, kind: type[Reduction], x: Value, axes: Value | None) -> Value:
    over = _axes(c, x, axes)
    if not over:
        return c.emit(ops.Identity(), x)
    op = kind(reduced=over, keepdims=bool(c.attribute("keepdims", 1)))  # type: ignore[call-arg]
    return c.emit(op, x)


@RULES(*COMPOSED, since=1)
def composed(c: Call, x: Value, axes: Value | None = None) -> Value:
    kind = c.node.op_type
    if kind == "ReduceL1":
        return _reduced(c, ops.ReduceSum, c.emit(ops.Abs(), x), axes)
    if kind == "ReduceLogSum":
        return c.emit(ops.Log(), _reduced(c, ops.ReduceSum, x, axes))
    if kind == "ReduceLogSumExp":
        return _log_sum_exp(c, x, axes)
    total = _reduced(c, ops.ReduceSum, c.emit(ops.Mul(), x, x), axes)
    return total if kind == "ReduceSumSquare" else _root(c, total)


def _root(c: Call, x: Value) -> Value:
    if x.type.dtype.is_float:
        return c.emit(ops.Sqrt(), x)
    return c.cast(c.emit(ops.Sqrt(), c.cast(x, DType.F64)), x.type.dtype)


def _log_sum_exp(c: Call, x: Value, axes: Value | None) -> Value:
    """The greatest element m, and the logarithm of the sum of e^(x - m)."""
    over = _axes(c, x, axes)
    if not over or not x.type.dtype.is_float:
        raise UnsupportedCase(f"ReduceLogSumExp of {x.type} over the axes {over}")
    most = c.emit(ops.ReduceMax(reduced=over, keepdims=True), x)
    powers = c.emit(ops.Exp(), c.emit(ops.Sub(), x, most))
    log = c.emit(ops.Log(), c.emit(ops.ReduceSum(reduced=over, keepdims=True), powers))
    total = c.emit(ops.Add(), log, most)
    return total if c.attribute("keepdims", 1) else c.squeeze(total, over)


@RULES(*ARGS, since=1)
def arg(c: Call, x: Value) -> Value:
    axis = c.axis(c.attribute("axis"), x.type.rank)
    op: Op = ARGS[c.node.op_type](axis=axis, keepdims=bool(c.attribute("keepdims")))
    if not c.attribute("select_last_index", 0):
        return c.emit(op, x)
    last = c.dims([x.type.shape[axis] - 1], scalar=True)
    return c.emit(ops.Sub(), last, c.emit(op, c.flipped(x, axis)))


@RULES("TopK", since=10)
def top_k(c: Call, x: Value, k: Value) -> tuple[Value, ...]:
    return _top_k(c, x, c.one_int(k))


@RULES("TopK", since=1)
def top_k_by_attribute(c: Call, x: Value) -> tuple[Value, ...]:
    return _top_k(c, x, int(c.attribute("k")))


def _top_k(c: Call, x: Value, k: int) -> tuple[Value, ...]:
    axis = c.axis(c.attribute("axis"), x.type.rank)
    return c.emit_multi(ops.TopK(axis=axis, k=k, largest=bool(c.attribute("largest", 1))), x)


@RULES("CumSum", since=11)
def cum_sum(c: Call, x: Value, axis: Value) -> Value:
    if not x.type.rank:
        raise ShapeError("a running sum of a scalar")
    op = ops.CumSum(
        axis=c.axis(c.one_int(axis), x.type.rank),
        exclusive=bool(c.attribute("exclusive")),
        reverse=bool(c.attribute("reverse")),
    )
    return c.emit(op, x)

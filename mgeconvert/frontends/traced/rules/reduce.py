"""Reductions, order and accumulation."""

from __future__ import annotations

from typing import Any

from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import DType, Value, ops

REDUCTIONS: dict[str, type[ops.ReduceSum]] = {
    "sum": ops.ReduceSum,
    "prod": ops.ReduceProd,  # type: ignore[dict-item]
    "max": ops.ReduceMax,  # type: ignore[dict-item]
    "min": ops.ReduceMin,  # type: ignore[dict-item]
}


def reduced(c: Call, op: Any, x: Value, axis: Any, *, keepdims: bool) -> Value:
    """Reduce over an axis, several, or all."""
    if not x.type.rank:
        return c.emit(ops.Identity(), x)
    return c.emit(op(reduced=c.axes(axis, x.type.rank), keepdims=bool(keepdims)), x)


def total(c: Call, x: Value, axis: Any, keepdims: bool) -> Value:
    """Return sums; those of bools are int32."""
    numbers = c.cast(x, DType.I32) if x.type.dtype is DType.BOOL else x
    return reduced(c, ops.ReduceSum, numbers, axis, keepdims=keepdims)


def _register(name: str, op: Any) -> None:
    @RULES(f"function:math.{name}", f"method:{name}")
    def rule(c: Call, inp: Value, axis: Any = None, keepdims: bool = False) -> Value:
        whole = inp.type.dtype is DType.BOOL
        x = c.cast(inp, DType.I32) if whole else inp
        result = reduced(c, op, x, axis, keepdims=keepdims)
        return c.cast(result, DType.BOOL) if whole and name in ("max", "min") else result


for _name, _op in REDUCTIONS.items():
    _register(_name, _op)


@RULES("function:math.mean", "method:mean")
def mean(c: Call, inp: Value, axis: Any = None, keepdims: bool = False) -> Value:
    return reduced(c, ops.ReduceMean, c.cast(inp, DType.F32), axis, keepdims=keepdims)


@RULES("function:math.var")
def var(c: Call, inp: Value, axis: Any = None, keepdims: bool = False) -> Value:
    x = c.cast(inp, DType.F32)
    whole = c.axes(axis, x.type.rank)
    centre = reduced(c, ops.ReduceMean, x, whole, keepdims=True)
    difference = c.emit(ops.Sub(), x, centre)
    squares = c.emit(ops.Mul(), difference, difference)
    return reduced(c, ops.ReduceMean, squares, axis, keepdims=keepdims)


@RULES("function:math.std")
def std(c: Call, inp: Value, axis: Any = None, keepdims: bool = False) -> Value:
    return c.emit(ops.Sqrt(), var(c, inp, axis, keepdims))


def _register_arg(name: str, op: Any) -> None:
    @RULES(f"function:math.{name}")
    def rule(c: Call, inp: Value, axis: Any = None, keepdims: bool = False) -> Value:
        """Over several axes: one after the other from the last on, each of the result before."""
        if axis is None:
            return index_of(c, op, c.reshape(inp, (-1,)), 0, keepdims=False)
        result = inp
        for place in reversed(c.axes(axis, inp.type.rank)):
            result = index_of(c, op, result, place, keepdims=bool(keepdims))
        return result


def index_of(c: Call, op: Any, x: Value, axis: int, *, keepdims: bool) -> Value:
    """Return the int32 index of an extreme element along one axis."""
    return c.cast(c.emit(op(axis=axis, keepdims=keepdims), x), DType.I32)


_register_arg("argmax", ops.ArgMax)
_register_arg("argmin", ops.ArgMin)

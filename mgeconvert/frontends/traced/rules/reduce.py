"""Reductions, order and accumulation."""

from __future__ import annotations

from typing import Any

from mgeconvert.errors import UnsupportedCase
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
    """Reduce over an axis, several, or all; without axes to a tensor of one element."""
    if axis is None:
        flat = c.reshape(x, (-1,))
        return c.emit(op(reduced=(0,), keepdims=True), flat)
    return c.emit(op(reduced=c.axes(axis, x.type.rank), keepdims=bool(keepdims)), x)


def _register(name: str, op: Any) -> None:
    @RULES(f"function:math.{name}", f"method:{name}")
    def rule(c: Call, inp: Value, axis: Any = None, keepdims: bool = False) -> Value:
        x = inp
        if x.type.dtype is DType.BOOL:
            x = c.cast(x, DType.I32)
        result = reduced(c, op, x, axis, keepdims=keepdims)
        back = inp.type.dtype is DType.BOOL and name in ("max", "min")
        return c.cast(result, DType.BOOL) if back else result


for _name, _op in REDUCTIONS.items():
    _register(_name, _op)


@RULES("function:math.mean", "method:mean")
def mean(c: Call, inp: Value, axis: Any = None, keepdims: bool = False) -> Value:
    return reduced(c, ops.ReduceMean, c.cast(inp, DType.F32), axis, keepdims=keepdims)


@RULES("function:math.var")
def var(c: Call, inp: Value, axis: Any = None, keepdims: bool = False) -> Value:
    x = c.cast(inp, DType.F32)
    whole = c.axes(axis, x.type.rank)
    centre = c.emit(ops.ReduceMean(reduced=whole, keepdims=True), x)
    difference = c.emit(ops.Sub(), x, centre)
    squares = c.emit(ops.Mul(), difference, difference)
    return reduced(c, ops.ReduceMean, squares, axis, keepdims=keepdims)


@RULES("function:math.std")
def std(c: Call, inp: Value, axis: Any = None, keepdims: bool = False) -> Value:
    return c.emit(ops.Sqrt(), var(c, inp, axis, keepdims))


def _register_arg(name: str, op: Any) -> None:
    @RULES(f"function:math.{name}")
    def rule(c: Call, inp: Value, axis: Any = None, keepdims: bool = False) -> Value:
        x, place = inp, 0
        if axis is None:
            x = c.reshape(inp, (-1,))
        else:
            axes = c.axes(axis, x.type.rank)
            if len(axes) != 1:
                raise UnsupportedCase(f"{name} over the axes {axes}", hint="flatten them first")
            place = axes[0]
        keep = bool(keepdims) or axis is None
        return c.cast(c.emit(op(axis=place, keepdims=keep), x), DType.I32)


_register_arg("argmax", ops.ArgMax)
_register_arg("argmin", ops.ArgMin)


@RULES("function:tensor.cumsum")
def cumsum(c: Call, inp: Value, axis: int) -> Value:
    return c.emit(ops.CumSum(axis=c.axis(axis, inp.type.rank)), inp)

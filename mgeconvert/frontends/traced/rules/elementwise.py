"""Elementwise functions, operators and activations."""

from __future__ import annotations

from typing import Any

from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.promotion import binary, unary
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import Op, Value, ops

FLOAT_UNARY: dict[str, Op] = {
    "exp": ops.Exp(),
    "log": ops.Log(),
    "tanh": ops.Tanh(),
    "sigmoid": ops.Sigmoid(),
}


def _register_float_unary(name: str, op: Op) -> None:
    @RULES(f"function:elemwise.{name}", f"function:nn.{name}", f"method:{name}")
    def rule(c: Call, x: Any) -> Value:
        return unary(c, op, x)


for _name, _op in FLOAT_UNARY.items():
    _register_float_unary(_name, _op)


@RULES("function:nn.relu", "method:relu")
def relu(c: Call, x: Any) -> Value:
    return c.emit(ops.Relu(), c.value(x))


@RULES("method:__add__", "method:__radd__", "method:__iadd__", "function:elemwise.add")
def add(c: Call, x: Any, y: Any) -> Value:
    return binary(c, ops.Add(), x, y)


@RULES("method:__rsub__")
def reversed_sub(c: Call, x: Any, y: Any) -> Value:
    return binary(c, ops.Sub(), y, x)

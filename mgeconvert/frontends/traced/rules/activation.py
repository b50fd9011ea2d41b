"""Activation functions, as functions and as modules."""

from __future__ import annotations

from typing import Any

from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.promotion import as_float, binary, operands, unary
from mgeconvert.frontends.traced.rules.reduce import reduced
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import Op, Value, ops
from mgeconvert.ir.ops.infer import broadcast

FLOAT: dict[str, tuple[Op, tuple[str, ...]]] = {
    "sigmoid": (ops.Sigmoid(), ("module:Sigmoid",)),
    "hsigmoid": (ops.HardSigmoid(), ()),
    "hswish": (ops.HardSwish(), ()),
    "silu": (ops.Silu(), ("module:SiLU",)),
    "gelu": (ops.Gelu(), ("module:GELU",)),
    "softplus": (ops.Softplus(), ()),
    "logsigmoid": (ops.LogSigmoid(), ()),
}


def _register(name: str, op: Op, keys: tuple[str, ...]) -> None:
    @RULES(f"function:nn.{name}", *keys)
    def rule(c: Call, x: Any) -> Value:
        return unary(c, op, x)


for _name, (_op, _keys) in FLOAT.items():
    _register(_name, _op, _keys)


@RULES("function:nn.relu", "module:ReLU")
def relu(c: Call, x: Any) -> Value:
    return c.emit(ops.Relu(), c.value(x))


@RULES("function:nn.relu6")
def relu6(c: Call, x: Any) -> Value:
    return c.emit(ops.Clip(low=0.0, high=6.0), c.value(x))


@RULES("function:nn.prelu")
def prelu(c: Call, x: Any, y: Any) -> Value:
    x, slope = (as_float(c, v) for v in operands(c, x, y))
    x = c.expand(x, broadcast([x.type.shape, slope.type.shape]))
    return c.emit(ops.PRelu(), x, slope)


@RULES("module:PReLU")
def prelu_module(c: Call, x: Value) -> Value:
    return prelu(c, x, c.required("weight"))


@RULES("function:nn.leaky_relu")
def leaky_relu(c: Call, inp: Any, negative_slope: Any = 0.01) -> Value:
    if isinstance(negative_slope, Value):
        return prelu(c, inp, negative_slope)
    return unary(c, ops.LeakyRelu(alpha=float(negative_slope)), inp)


@RULES("module:LeakyReLU")
def leaky_relu_module(c: Call, x: Value) -> Value:
    return leaky_relu(c, x, c.setting("negative_slope"))


@RULES("function:nn.softmax")
def softmax(c: Call, inp: Value, axis: Any = None) -> Value:
    """MegEngine's axis, where none is given, is 0 for ranks 0, 1 and 3, else 1."""
    rank = inp.type.rank
    axes = c.axes(axis if axis is not None else int(rank not in (0, 1, 3)), rank)
    x = as_float(c, inp)
    if len(axes) == 1:
        return c.emit(ops.Softmax(axis=axes[0]), x)
    e = c.emit(ops.Exp(), c.emit(ops.Sub(), x, reduced(c, ops.ReduceMax, x, axes, keepdims=True)))
    return c.emit(ops.Div(), e, reduced(c, ops.ReduceSum, e, axes, keepdims=True))


@RULES("module:Softmax")
def softmax_module(c: Call, x: Value) -> Value:
    return softmax(c, x, c.module.attributes.get("axis") if c.module else None)


@RULES("function:nn.logsoftmax")
def logsoftmax(c: Call, inp: Value, axis: Any) -> Value:
    x = as_float(c, inp)
    axes = c.axes(axis, x.type.rank)
    if len(axes) == 1:
        return c.emit(ops.LogSoftmax(axis=axes[0]), x)
    return c.emit(ops.Sub(), x, logsumexp(c, x, axes, keepdims=True))


@RULES("function:nn.logsumexp")
def logsumexp(c: Call, inp: Value, axis: Any, keepdims: bool = False) -> Value:
    """Without keepdims MegEngine drops every axis of one element from the greatest one."""
    greatest = reduced(c, ops.ReduceMax, inp, axis, keepdims=True)
    e = c.emit(ops.Exp(), as_float(c, binary(c, ops.Sub(), inp, greatest)))
    log = c.emit(ops.Log(), reduced(c, ops.ReduceSum, e, axis, keepdims=keepdims))
    if not keepdims:
        greatest = c.squeeze(greatest, [i for i, d in enumerate(greatest.type.shape) if d == 1])
    return binary(c, ops.Add(), greatest, log)

"""Layers."""

from __future__ import annotations

import numpy as np

from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import Value, ops


@RULES("module:Conv2d")
def conv2d_module(c: Call, x: Value) -> Value:
    weight, bias = c.required("weight"), c.attribute("bias")
    groups = c.setting("groups")
    if weight.type.rank == 5:  # (groups, O / groups, I / groups, h, w)
        g, o, *rest = weight.type.static or ()
        weight = c.reshaped(weight, (g * o, *rest))
    operands = [x, weight]
    if bias is not None:
        operands.append(c.reshaped(bias, (-1,)))
    op = ops.Conv(
        stride=c.pair(c.setting("stride")),
        padding=tuple((p, p) for p in c.pair(c.setting("padding"))),
        dilation=c.pair(c.setting("dilation")),
        groups=groups,
    )
    return c.emit(op, *operands)


@RULES("module:BatchNorm2d")
def batch_norm_module(c: Call, x: Value) -> Value:
    mean, variance = c.required("running_mean"), c.required("running_var")
    weight, bias = c.attribute("weight"), c.attribute("bias")
    mean, variance = c.reshaped(mean, (-1,)), c.reshaped(variance, (-1,))
    channels = mean.type.static
    scale = c.constant(np.ones(channels or (), np.float32)) if weight is None else weight
    shift = c.constant(np.zeros(channels or (), np.float32)) if bias is None else bias
    op = ops.BatchNorm(epsilon=c.setting("eps"))
    return c.emit(op, x, c.reshaped(scale, (-1,)), c.reshaped(shift, (-1,)), mean, variance)


@RULES("module:Linear")
def linear_module(c: Call, x: Value) -> Value:
    weight, bias = c.required("weight"), c.attribute("bias")
    return c.emit(ops.Linear(), x, weight, *([bias] if bias is not None else []))


@RULES("module:Identity", "module:Dropout")
def identity(c: Call, x: Value) -> Value:
    return c.emit(ops.Identity(), x)


@RULES("function:nn.relu")
def relu(c: Call, x: Value) -> Value:
    return c.emit(ops.Relu(), x)

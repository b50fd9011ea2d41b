"""Convolutions and linear layers."""

from __future__ import annotations

from typing import Any

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.pad import pad
from mgeconvert.frontends.traced.rules.promotion import common
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import Value, ops


def merged(c: Call, weight: Value, rank: int) -> Value:
    """Return filters without the axis of the groups: (G, a, b, ...) as (G * a, b, ...)."""
    if weight.type.rank == rank:
        return weight
    if weight.type.rank != rank + 1 or weight.type.static is None:
        raise UnsupportedCase(f"the filters {weight.type} for an input of rank {rank}")
    g, a, *rest = weight.type.static
    return c.reshaped(weight, (g * a, *rest))


def alike(c: Call, *operands: Value) -> tuple[Value, ...]:
    """Return the operands with one element type, as MegEngine promotes them."""
    dtype = common([x.type.dtype for x in operands])
    return tuple(c.cast(x, dtype) for x in operands)


def flat_bias(c: Call, bias: Value | None) -> tuple[Value, ...]:
    """Return a bias of shape (1, O, 1 ...) as one of shape (O,); nothing for None."""
    return () if bias is None else (c.reshaped(bias, (-1,)),)


def need_cross_correlation(mode: Any) -> None:
    """Raise UnsupportedCase for a true convolution: MegEngine itself takes no other mode."""
    if str(getattr(mode, "name", mode)).lower() != "cross_correlation":
        raise UnsupportedCase(f"conv_mode {mode}", hint="use cross_correlation")


def convolve(
    c: Call,
    inp: Value,
    weight: Value,
    bias: Value | None,
    *,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: Any,
) -> Value:
    """Add a convolution over the axes after the second one of `inp`."""
    rank = inp.type.rank
    operands = alike(c, inp, merged(c, weight, rank), *flat_bias(c, bias))
    op = ops.Conv(
        stride=c.pair(stride, rank - 2),
        padding=tuple((p, p) for p in c.pair(padding, rank - 2)),
        dilation=c.pair(dilation, rank - 2),
        groups=groups,
    )
    return c.emit(op, *operands)


@RULES("function:nn.conv1d", "function:nn.conv2d", "function:nn.conv3d")
def conv(
    c: Call,
    inp: Value,
    weight: Value,
    bias: Value | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    conv_mode: Any = "cross_correlation",
    compute_mode: Any = "default",
) -> Value:
    need_cross_correlation(conv_mode)
    return convolve(
        c, inp, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups
    )


@RULES("module:Conv1d", "module:Conv2d", "module:Conv3d")
def conv_module(c: Call, inp: Value) -> Value:
    attributes = c.module.attributes if c.module else {}
    mode = attributes.get("padding_mode", "zeros")
    padding = c.pair(c.setting("padding"), inp.type.rank - 2)
    if mode != "zeros" and any(padding):
        inp = pad(c, inp, ((0, 0), (0, 0), *((p, p) for p in padding)), mode)
        padding = (0,) * len(padding)
    need_cross_correlation(attributes.get("conv_mode", "cross_correlation"))
    return convolve(
        c,
        inp,
        c.required("weight"),
        c.attribute("bias"),
        stride=c.setting("stride"),
        padding=padding,
        dilation=c.setting("dilation"),
        groups=c.setting("groups"),
    )


@RULES("module:ConvRelu2d")
def conv_relu(c: Call, inp: Value) -> Value:
    return c.emit(ops.Relu(), conv_module(c, inp))


@RULES("function:nn.linear")
def linear(
    c: Call, inp: Value, weight: Value, bias: Value | None = None, compute_mode: str = "default"
) -> Value:
    x, w = alike(c, inp, weight)
    if w.type.rank == 2 and x.type.rank >= 1:
        if bias is None or (bias.type.rank == 1 and bias.type.shape == w.type.shape[:1]):
            return c.emit(ops.Linear(), *alike(c, x, w, *([] if bias is None else [bias])))
        return c.emit(ops.Add(), *alike(c, c.emit(ops.Linear(), x, w), bias))
    raise UnsupportedCase(f"linear of {x.type} with the weights {w.type}")


@RULES("module:Linear")
def linear_module(c: Call, x: Value) -> Value:
    return linear(c, x, c.required("weight"), c.attribute("bias"))


@RULES("module:LinearRelu")
def linear_relu(c: Call, x: Value) -> Value:
    return c.emit(ops.Relu(), linear_module(c, x))

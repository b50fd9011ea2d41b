"""Convolutions and linear layers."""

from __future__ import annotations

from typing import Any

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.linear import matmul
from mgeconvert.frontends.traced.rules.pad import pad
from mgeconvert.frontends.traced.rules.promotion import common
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import Value, ops
from mgeconvert.ir.dims import Dim


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


def split_bias(
    c: Call, bias: Value | None, channels: Dim, rank: int
) -> tuple[tuple[Value, ...], tuple[Value, ...]]:
    """Return a bias as one number for each channel, and what must be added apart from it."""
    if bias is None:
        return (), ()
    if bias.type.shape == (1, channels, *(1,) * (rank - 2)):
        return (c.reshaped(bias, (-1,)),), ()
    return (), (bias,)


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
    filters = merged(c, weight, rank)
    own, added = split_bias(c, bias, filters.type.shape[0], rank)
    op = ops.Conv(
        stride=c.pair(stride, rank - 2),
        padding=tuple((p, p) for p in c.pair(padding, rank - 2)),
        dilation=c.pair(dilation, rank - 2),
        groups=groups,
    )
    y = c.emit(op, *alike(c, inp, filters, *own))
    return c.emit(ops.Add(), *alike(c, y, *added)) if added else y


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
    return conv_of(c, inp, c.required("weight"), c.attribute("bias"))


def conv_of(c: Call, inp: Value, weight: Value, bias: Value | None) -> Value:
    """Add the convolution of the called module with other weights."""
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
        weight,
        bias,
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
    own = bias is not None and bias.type.shape == w.type.shape[:1]
    if w.type.rank != 2 or x.type.rank < 1:
        y = matmul(c, x, w, transpose_b=True)
    elif own and bias is not None:
        return c.emit(ops.Linear(), *alike(c, x, w, bias))
    else:
        y = c.emit(ops.Linear(), x, w)
    return y if bias is None else c.emit(ops.Add(), *alike(c, y, bias))


@RULES("module:Linear")
def linear_module(c: Call, x: Value) -> Value:
    return linear(c, x, c.required("weight"), c.attribute("bias"))


@RULES("module:LinearRelu")
def linear_relu(c: Call, x: Value) -> Value:
    return c.emit(ops.Relu(), linear_module(c, x))


@RULES("module:BatchMatMulActivation")
def batch_mat_mul(c: Call, x: Value) -> Value:
    y, bias = matmul(c, c.required("weight"), x), c.attribute("bias")
    y = y if bias is None else c.emit(ops.Add(), *alike(c, y, bias))
    mode = c.setting("nonlinear_mode")
    if mode not in ("relu", "identity"):
        raise UnsupportedCase(f"the nonlinearity {mode!r}")
    return c.emit(ops.Relu(), y) if mode == "relu" else y

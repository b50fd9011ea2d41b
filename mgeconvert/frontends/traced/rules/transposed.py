"""Transposed convolutions."""

from __future__ import annotations

from typing import Any

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.conv import (
    alike,
    merged,
    need_cross_correlation,
    split_bias,
)
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import Value, ops


def convolve_transposed(
    c: Call,
    inp: Value,
    weight: Value,
    bias: Value | None,
    *,
    stride: Any,
    padding: Any,
    output_padding: Any,
    dilation: Any,
    groups: int,
) -> Value:
    """Add a transposed convolution over the axes after the second one of `inp`."""
    rank = inp.type.rank
    filters = merged(c, weight, rank)
    own, added = split_bias(c, bias, filters.type.shape[1] * groups, rank)
    op = ops.ConvTranspose(
        stride=c.pair(stride, rank - 2),
        padding=tuple((p, p) for p in c.pair(padding, rank - 2)),
        output_padding=c.pair(output_padding, rank - 2),
        dilation=c.pair(dilation, rank - 2),
        groups=groups,
    )
    y = c.emit(op, *alike(c, inp, filters, *own))
    return c.emit(ops.Add(), *alike(c, y, *added)) if added else y


@RULES("function:nn.conv_transpose2d")
def conv_transpose2d(
    c: Call,
    inp: Value,
    weight: Value,
    bias: Value | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    conv_mode: Any = "cross_correlation",
    compute_mode: Any = "default",
) -> Value:
    """MegEngine 1.13 looks at the first output padding only, to decide whether there is any."""
    need_cross_correlation(conv_mode)
    extra = c.pair(output_padding)
    return convolve_transposed(
        c,
        inp,
        weight,
        bias,
        stride=stride,
        padding=padding,
        output_padding=extra if extra[0] else (0, 0),
        dilation=dilation,
        groups=groups,
    )


@RULES("function:nn.conv_transpose3d")
def conv_transpose3d(
    c: Call,
    inp: Value,
    weight: Value,
    bias: Value | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Value:
    return convolve_transposed(
        c,
        inp,
        weight,
        bias,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=dilation,
        groups=groups,
    )


@RULES("module:ConvTranspose2d")
def conv_transpose2d_module(c: Call, inp: Value) -> Value:
    return conv_transpose_of(c, inp, c.required("weight"), c.attribute("bias"))


def conv_transpose_of(c: Call, inp: Value, weight: Value, bias: Value | None) -> Value:
    """Add the transposed convolution of the called module with other weights."""
    return conv_transpose2d(
        c,
        inp,
        weight,
        bias,
        c.setting("stride"),
        c.setting("padding"),
        c.setting("output_padding"),
        c.setting("dilation"),
        c.setting("groups"),
    )


@RULES("module:ConvTransposeRelu2d")
def conv_transpose_relu2d(c: Call, inp: Value) -> Value:
    return c.emit(ops.Relu(), conv_transpose2d_module(c, inp))


@RULES("module:ConvTranspose3d")
def conv_transpose3d_module(c: Call, inp: Value) -> Value:
    """MegEngine 1.13 does not hand the groups on, so that only dense ones run."""
    if c.setting("groups") != 1:
        raise UnsupportedCase("a grouped ConvTranspose3d, which MegEngine cannot run")
    return conv_transpose3d(
        c,
        inp,
        c.required("weight"),
        c.attribute("bias"),
        c.setting("stride"),
        c.setting("padding"),
        c.setting("output_padding"),
        c.setting("dilation"),
    )

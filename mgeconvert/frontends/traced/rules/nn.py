"""Modules made of other modules, and what does nothing in inference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.applied_elementwise import elemwise
from mgeconvert.frontends.traced.rules.conv import conv_module, linear_module
from mgeconvert.frontends.traced.rules.join import concat
from mgeconvert.frontends.traced.rules.norm import batch_norm_module
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.frontends.traced.rules.transposed import conv_transpose2d_module
from mgeconvert.ir import Value, ops


@RULES("module:Identity", "module:Dropout", "module:QuantStub", "module:DequantStub")
def identity(c: Call, x: Value) -> Value:
    return c.emit(ops.Identity(), x)


@RULES("function:nn.dropout")
def dropout(c: Call, inp: Value, drop_prob: float, training: bool = True) -> Value:
    if training and drop_prob:
        raise UnsupportedCase(
            "dropout(training=True) is random",
            hint="trace the model with training=False, or use M.Dropout and model.eval()",
        )
    return c.emit(ops.Identity(), inp)


@RULES("module:ConvBn2d")
def conv_bn2d(c: Call, inp: Value) -> Value:
    return batch_norm_module(c.inside("bn"), conv_module(c.inside("conv"), inp))


@RULES("module:ConvBnRelu2d")
def conv_bn_relu2d(c: Call, inp: Value) -> Value:
    return c.emit(ops.Relu(), conv_bn2d(c, inp))


@RULES("module:ConvTransposeBn2d")
def conv_transpose_bn2d(c: Call, inp: Value) -> Value:
    y = conv_transpose2d_module(c.inside("conv_transpose2d"), inp)
    return batch_norm_module(c.inside("bn"), y)


@RULES("module:ConvTransposeBnRelu2d")
def conv_transpose_bn_relu2d(c: Call, inp: Value) -> Value:
    return c.emit(ops.Relu(), conv_transpose_bn2d(c, inp))


@RULES("module:LinearBn1d")
def linear_bn1d(c: Call, inp: Value) -> Value:
    return batch_norm_module(c.inside("bn"), linear_module(c.inside("linear"), inp))


@RULES("module:LinearBnRelu1d")
def linear_bn_relu1d(c: Call, inp: Value) -> Value:
    return c.emit(ops.Relu(), linear_bn1d(c, inp))


@RULES("module:Concat")
def concat_module(c: Call, inps: Sequence[Any], axis: int = 0) -> Value:
    return concat(c, inps, axis)


@RULES("module:Elemwise")
def elemwise_module(c: Call, *inps: Any) -> Value:
    method = c.setting("method")
    mode = str(getattr(method, "name", method)).upper()
    return elemwise(c, *(c.value(x) for x in inps), mode=mode)

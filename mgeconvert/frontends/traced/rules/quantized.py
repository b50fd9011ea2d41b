"""Quantized modules: whole numbers at run time, the numbers that they stand for in the IR."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.quant import stored
from mgeconvert.frontends.traced.rules.applied_elementwise import elemwise
from mgeconvert.frontends.traced.rules.conv import conv_of, linear
from mgeconvert.frontends.traced.rules.join import concat
from mgeconvert.frontends.traced.rules.linear import matmul
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.frontends.traced.rules.transposed import conv_transpose_of
from mgeconvert.ir import Quant, Value, ops
from mgeconvert.ir.quantize import bias_quant


@RULES("module:quantized.Conv2d", "module:quantized.ConvBn2d")
def conv2d(c: Call, inp: Value) -> Value:
    return requantized(c, conv_of(c, inp, *_weights(c, inp)))


@RULES("module:quantized.ConvRelu2d", "module:quantized.ConvBnRelu2d")
def conv_relu2d(c: Call, inp: Value) -> Value:
    return requantized(c, c.emit(ops.Relu(), conv_of(c, inp, *_weights(c, inp))))


@RULES("module:quantized.ConvTranspose2d", "module:quantized.ConvTransposeBn2d")
def conv_transpose2d(c: Call, inp: Value) -> Value:
    return requantized(c, conv_transpose_of(c, inp, *_weights(c, inp)))


@RULES("module:quantized.Linear", "module:quantized.LinearBn1d")
def linear_module(c: Call, inp: Value) -> Value:
    return requantized(c, linear(c, inp, *_weights(c, inp)))


@RULES("module:quantized.LinearRelu", "module:quantized.LinearBnRelu1d")
def linear_relu(c: Call, inp: Value) -> Value:
    return requantized(c, c.emit(ops.Relu(), linear(c, inp, *_weights(c, inp))))


@RULES("module:quantized.BatchMatMulActivation")
def batch_mat_mul(c: Call, inp: Value) -> Value:
    """The weights are stored as filters of one pixel, the bias as that of a convolution."""
    w, b = _weights(c, inp)
    weight = c.reshaped(w, w.type.static[:3] if w.type.static else ())
    y = matmul(c, weight, inp)
    if b is not None:
        y = c.emit(ops.Add(), y, c.reshaped(b, (1, -1, 1)))
    return requantized(c, c.emit(ops.Relu(), y) if c.setting("nonlinear_mode") == "relu" else y)


@RULES("module:quantized.Elemwise")
def elemwise_module(c: Call, *inps: Any) -> Value:
    method = c.setting("method")
    mode = str(getattr(method, "name", method)).upper().removeprefix("Q")
    return requantized(c, elemwise(c, *(c.value(x) for x in inps), mode=mode))


@RULES("module:quantized.Concat")
def concat_module(c: Call, inps: Sequence[Any], axis: int = 0) -> Value:
    parts = [requantized(c, c.emit(ops.Identity(), x)) for x in inps]
    return requantized(c, concat(c, parts, axis))


@RULES("module:quantized.QuantStub")
def quant_stub(c: Call, inp: Value) -> Value:
    return requantized(c, c.emit(ops.Identity(), inp))


@RULES("module:quantized.DequantStub")
def dequant_stub(c: Call, inp: Value) -> Value:
    return c.emit(ops.Identity(), inp)


def requantized(c: Call, y: Value) -> Value:
    """Note the element type of the called module's result."""
    quant = stored(c.setting("output_dtype"))
    if y.quant is not None:
        y = c.emit(ops.Identity(), y)
    y.quant = quant
    return y


def _weights(c: Call, inp: Value) -> tuple[Value, Value | None]:
    """Return weights, and the bias that MegEngine quantizes when it runs."""
    w, bias = c.required("weight"), c.array("bias")
    if w.quant is None or inp.quant is None:
        raise UnsupportedCase(
            "a quantized layer whose input or weights are not quantized",
            hint="put a QuantStub before it",
        )
    if bias is None:
        return w, None
    b = c.named("bias", bias)
    b.quant = _bias(inp.quant, w.quant)
    return w, b


def _bias(x: Quant, w: Quant) -> Quant:
    return bias_quant(x, w, axis=0)

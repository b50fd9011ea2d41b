"""Modules of quantization-aware training: a float layer whose operands and result are rounded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.quant import Declared, Role, role
from mgeconvert.frontends.traced.records import Module
from mgeconvert.frontends.traced.rules.conv import conv_of, linear
from mgeconvert.frontends.traced.rules.linear import matmul
from mgeconvert.frontends.traced.rules.nn import concat_module, elemwise_module
from mgeconvert.frontends.traced.rules.promotion import binary
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.frontends.traced.rules.transposed import conv_transpose_of
from mgeconvert.ir import Array, Quant, Value, ops
from mgeconvert.ir.quantize import bias_quant

Layer = Callable[[Call, Value, Value, "Value | None"], Value]
Scaled = Callable[[Array, Array, int], Array]


@RULES("module:qat.Conv2d")
def conv2d(c: Call, inp: Value) -> Value:
    return rounded(c, _layer(c, c, inp, conv_of))


@RULES("module:qat.ConvRelu2d")
def conv_relu2d(c: Call, inp: Value) -> Value:
    return rounded(c, c.emit(ops.Relu(), _layer(c, c, inp, conv_of)))


@RULES("module:qat.ConvTranspose2d")
def conv_transpose2d(c: Call, inp: Value) -> Value:
    return rounded(c, _layer(c, c, inp, conv_transpose_of))


@RULES("module:qat.ConvTransposeRelu2d")
def conv_transpose_relu2d(c: Call, inp: Value) -> Value:
    return rounded(c, c.emit(ops.Relu(), _layer(c, c, inp, conv_transpose_of)))


@RULES("module:qat.Linear")
def linear_module(c: Call, inp: Value) -> Value:
    return rounded(c, _layer(c, c, inp, linear))


@RULES("module:qat.LinearRelu")
def linear_relu(c: Call, inp: Value) -> Value:
    return rounded(c, c.emit(ops.Relu(), _layer(c, c, inp, linear)))


@RULES("module:qat.ConvBn2d")
def conv_bn2d(c: Call, inp: Value) -> Value:
    return rounded(c, _folded(c, c.inside("conv"), inp, conv_of, _filters))


@RULES("module:qat.ConvBnRelu2d")
def conv_bn_relu2d(c: Call, inp: Value) -> Value:
    y = _folded(c, c.inside("conv"), inp, conv_of, _filters)
    return rounded(c, c.emit(ops.Relu(), y))


@RULES("module:qat.ConvTransposeBn2d")
def conv_transpose_bn2d(c: Call, inp: Value) -> Value:
    inner = c.inside("conv_transpose2d")
    return rounded(c, _folded(c, inner, inp, conv_transpose_of, _transposed_filters))


@RULES("module:qat.ConvTransposeBnRelu2d")
def conv_transpose_bn_relu2d(c: Call, inp: Value) -> Value:
    inner = c.inside("conv_transpose2d")
    y = _folded(c, inner, inp, conv_transpose_of, _transposed_filters)
    return rounded(c, c.emit(ops.Relu(), y))


@RULES("module:qat.LinearBn1d")
def linear_bn1d(c: Call, inp: Value) -> Value:
    return rounded(c, _folded(c, c.inside("linear"), inp, linear, _rows))


@RULES("module:qat.LinearBnRelu1d")
def linear_bn_relu1d(c: Call, inp: Value) -> Value:
    y = _folded(c, c.inside("linear"), inp, linear, _rows)
    return rounded(c, c.emit(ops.Relu(), y))


@RULES("module:qat.BatchMatMulActivation")
def batch_mat_mul(c: Call, inp: Value) -> Value:
    y = _layer(c, c, inp, _batched)
    mode = c.setting("nonlinear_mode")
    if mode not in ("relu", "identity"):
        raise UnsupportedCase(f"the nonlinearity {mode!r}")
    return rounded(c, c.emit(ops.Relu(), y) if mode == "relu" else y)


@RULES("module:qat.Elemwise")
def elemwise(c: Call, *inps: Any) -> Value:
    return rounded(c, elemwise_module(c, *inps))


@RULES("module:qat.Concat")
def concat(c: Call, inps: Sequence[Any], axis: int = 0) -> Value:
    return rounded(c, concat_module(c, inps, axis))


@RULES("module:qat.QuantStub")
def quant_stub(c: Call, inp: Value) -> Value:
    return rounded(c, c.emit(ops.Identity(), inp))


@RULES("module:qat.DequantStub")
def dequant_stub(c: Call, inp: Value) -> Value:
    """The same tensor goes on, with what it declares."""
    y = c.emit(ops.Identity(), inp)
    if inp in c.declared:
        c.declared[y] = c.declared[inp]
    return y


def rounded(c: Call, y: Value) -> Value:
    """Note what the called module does to its result."""
    activation = role(_module(c), "act")
    if y.quant is not None:
        y = c.emit(ops.Identity(), y)
    y.quant = activation.quant
    if activation.declared is not None:
        c.declared[y] = activation.declared
    return y


def _layer(c: Call, inner: Call, inp: Value, layer: Layer) -> Value:
    """Add a layer with the weights and the bias of `inner`, rounded as the called module says."""
    bias = inner.array("bias")
    return _with(c, inner, inp, layer, inner.needed_array("weight"), bias)


def _folded(c: Call, inner: Call, inp: Value, layer: Layer, scaled: Scaled) -> Value:
    """Add a layer with its batch norm folded in, in float32 as MegEngine's evaluation does it."""
    weight, bias = inner.needed_array("weight"), inner.array("bias")
    norm = c.inside("bn")
    vector = (-1,)
    mean = norm.needed_array("running_mean").reshape(vector)
    variance = norm.needed_array("running_var").reshape(vector)
    gamma, beta = norm.array("weight"), norm.array("bias")
    gamma = np.ones_like(mean) if gamma is None else gamma.reshape(vector)
    beta = np.zeros_like(mean) if beta is None else beta.reshape(vector)
    before = np.zeros_like(mean) if bias is None else bias.reshape(vector)
    inverse = np.float32(1) / np.sqrt(variance + np.float32(norm.setting("eps")))
    groups: Any = _module(inner).attributes.get("groups", 1)
    if not isinstance(groups, int) or groups < 1 or (gamma.size % groups):
        raise UnsupportedCase(f"{groups} groups for {gamma.size} channels")
    w = scaled(weight, gamma * inverse, groups)
    b = beta + gamma * (before - mean) * inverse
    rank = inp.type.rank
    shape = (-1,) if weight.ndim == 2 else (1, -1, *(1,) * (rank - 2))
    return _with(c, inner, inp, layer, w, b.reshape(shape))


def _filters(weight: Array, factor: Array, groups: int) -> Array:
    shape = (-1, 1, 1, 1) if groups == 1 else (groups, -1, 1, 1, 1)
    return weight * factor.reshape(shape)


def _transposed_filters(weight: Array, factor: Array, groups: int) -> Array:
    shape = (1, -1, 1, 1) if groups == 1 else (groups, 1, -1, 1, 1)
    return weight * factor.reshape(shape)


def _rows(weight: Array, factor: Array, groups: int) -> Array:
    return weight * factor.reshape(-1, 1)


def _batched(c: Call, x: Value, w: Value, b: Value | None) -> Value:
    y = matmul(c, w, x)
    return y if b is None else binary(c, ops.Add(), y, b)


def _with(
    c: Call, inner: Call, inp: Value, layer: Layer, weight: Array, bias: Array | None
) -> Value:
    module = _module(c)
    filters = role(module, "weight")
    w = inner.named("weight", weight)
    w.quant = filters.quant
    b = None if bias is None else inner.named("bias", bias)
    if b is not None:
        b.quant = _bias(c.declared.get(inp), filters, role(module, "act"))
    return layer(inner, inp, w, b)


def _bias(inp: Declared | None, weight: Role, act: Role) -> Quant | None:
    """Return how MegEngine rounds a bias: where all is symmetric and 8 bits, else not at all."""
    if inp is None or weight.declared is None or not (weight.rounds and act.rounds):
        return None
    if not (inp.gives_bias and weight.declared.gives_bias):
        return None
    return bias_quant(inp.quant, weight.declared.quant, axis=0)


def _module(c: Call) -> Module:
    assert c.module is not None
    return c.module

"""Layers in whole numbers: weights and biases as TFLite's kernels want them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mgeconvert.backends.tflite import dialect
from mgeconvert.backends.tflite.kernels import WEIGHTS
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import DType, Graph, Node, Quant, Value, ops

AXES: dict[type, int] = {
    dialect.TflConv: 0,
    dialect.TflDepthwise: 3,
    dialect.TflTransposeConv: 0,
    ops.Linear: 0,
}
"""The axis of the weights that scales for each channel belong to."""

LIMITS = {DType.I32: 2**31 - 1, DType.I64: 2**63 - 1}


def why_not_layer(node: Node[Any]) -> str:
    """Return why the weights or bias of a layer cannot be whole numbers, "" where they can."""
    x, w, *bias = node.inputs
    if x.type.rank == 5:
        return "LiteRT has no kernel over three spatial axes"
    if w.const is None or w.quant is None:
        return "its weights have no parameters"
    if bias and bias[0].const is None:
        return "its bias is computed"
    if w.quant.dtype not in WEIGHTS:
        return f"LiteRT has no kernel for weights of {w.quant.dtype.value}"
    assert x.quant is not None
    weights = _weights(x.quant, w.quant)
    if x.quant.dtype is not DType.U8 and any(weights.zero_point):
        return "the zero point of its weights is not 0"
    if weights.axis is not None and (
        x.quant.dtype is DType.U8 or weights.axis != AXES[type(node.op)]
    ):
        return "its weights have a scale for each index of an axis that no kernel takes"
    if bias and not _fits(bias[0], _bias(x.quant, weights, _bias_type(node, int64_bias=False))):
        return "its bias exceeds 32 bits"
    return ""


def ready_layer(graph: Graph, node: Node[Any], *, int64_bias: bool) -> None:
    """Give weights the range of the kernels, and the bias its scale."""
    x, w, *bias = node.inputs
    assert x.quant is not None
    assert w.quant is not None
    assert w.const is not None
    weights = graph.constant(w.name, w.const)
    weights.quant = _weights(x.quant, w.quant)
    graph.take_name(weights, w)
    quant = _bias(x.quant, weights.quant, _bias_type(node, int64_bias=int64_bias))
    count = node.outputs[0].type.shape[-1]
    if not isinstance(count, int):
        raise UnsupportedCase("the number of channels is known at run time only")
    zeros = np.zeros(count, np.float32)
    old = bias[0] if bias else None
    made = graph.constant(
        f"{w.name}.bias" if old is None else old.name, zeros if old is None else _const(old)
    )
    made.quant = quant
    graph.set_inputs(node, [x, weights, made])


def _const(value: Value) -> Any:
    return value.const


def _weights(x: Quant, w: Quant) -> Quant:
    """Return the parameters of weights for activations like `x`: signed ones, or unsigned."""
    wanted = DType.U8 if x.dtype is DType.U8 else DType.I8
    signed = w.dtype is DType.I8
    shift = 0 if (wanted is DType.I8) == signed else 128 if signed else -128
    low, high = WEIGHTS[wanted]
    return replace(
        w,
        dtype=wanted,
        qmin=max(w.qmin + shift, low),
        qmax=min(w.qmax + shift, high),
        zero_point=tuple(z + shift for z in w.zero_point),
    )


def _bias_type(node: Node[Any], *, int64_bias: bool) -> DType:
    x = node.inputs[0].quant
    assert x is not None
    if x.dtype is DType.I16:
        wide = int64_bias or not isinstance(node.op, ops.Linear)
        return DType.I64 if wide else DType.I32
    if int64_bias:
        raise UnsupportedCase(
            f"use_int64_bias with {x.dtype.value} activations: LiteRT refuses such a layer",
            hint="leave it out; layers with int16 activations have 64 bits anyway",
        )
    return DType.I32


def _bias(x: Quant, w: Quant, dtype: DType) -> Quant:
    """Return the parameters of the bias: the product of both scales, zero point 0."""
    scales = np.asarray(w.scale, np.float32) * np.float32(x.scale[0])
    limit = LIMITS[dtype]
    numbers = tuple(float(s) for s in scales)
    return Quant(dtype, -limit, limit, numbers, axis=None if w.axis is None else 0)


def _fits(bias: Value, quant: Quant) -> bool:
    assert bias.const is not None
    scale = np.asarray(quant.scale, np.float64)
    return bool((np.abs(bias.const.astype(np.float64)) / scale <= quant.qmax).all())

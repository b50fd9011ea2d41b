"""Normalisation and softmax."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgeconvert.backends.tflite.dialect import TflLogSoftmax, TflSoftmax
from mgeconvert.backends.tflite.legalize.activation import number, plus
from mgeconvert.backends.tflite.legalize.table import LEGAL, Rewriter
from mgeconvert.ir import DType, Node, Value, ops
from mgeconvert.ir.dims import product


@LEGAL(ops.BatchNorm)
def batch_norm(b: Rewriter, node: Node[ops.BatchNorm]) -> Value:
    """x * factor + offset, both computed in float64 where they are constants."""
    x, *statistics = node.inputs
    if all(v.const is not None for v in statistics):
        scale, bias, mean, variance = (np.asarray(v.const, np.float64) for v in statistics)
        factor = scale / np.sqrt(variance + node.op.epsilon)
        offset = bias - mean * factor
        dtype = x.type.dtype.numpy
        parts = [
            b.constant(array.astype(dtype), f"{b.name}.{name}")
            for array, name in ((factor, "factor"), (offset, "offset"))
        ]
    else:
        parts = _computed(b, node, statistics)
    factor_, offset_ = (_channelwise(b, v, x.type.rank) for v in parts)
    return b.emit(ops.Add(), b.emit(ops.Mul(), x, factor_), offset_)


def _computed(b: Rewriter, node: Node[ops.BatchNorm], statistics: list[Value]) -> list[Value]:
    scale, bias, mean, variance = statistics
    deviation = b.emit(ops.Sqrt(), plus(b, variance, node.op.epsilon))
    factor = b.emit(ops.Div(), scale, deviation)
    return [factor, b.emit(ops.Sub(), bias, b.emit(ops.Mul(), mean, factor))]


def _channelwise(b: Rewriter, vector: Value, rank: int) -> Value:
    """Return a vector of channels so that it broadcasts to N,C,spatial."""
    return b.unsqueeze(vector, range(1, rank - 1)) if rank > 2 else vector


def standardized(b: Rewriter, x: Value, axes: tuple[int, ...], epsilon: float) -> Value:
    """Return x with mean 0 and variance 1 over `axes`."""
    mean = b.emit(ops.ReduceMean(reduced=axes, keepdims=True), x)
    centred = b.emit(ops.Sub(), x, mean)
    square = b.emit(ops.Mul(), centred, centred)
    variance = b.emit(ops.ReduceMean(reduced=axes, keepdims=True), square)
    return b.emit(ops.Div(), centred, b.emit(ops.Sqrt(), plus(b, variance, epsilon)))


def in_float32(b: Rewriter, node: Node[Any]) -> tuple[Value, ...]:
    """Return the operands in float32, which the IR computes these operators in."""
    return tuple(b.cast(v, DType.F32) if v.type.dtype is DType.F16 else v for v in node.inputs)


def _affine(b: Rewriter, y: Value, affine: list[Value]) -> Value:
    for value, op in zip(affine, (ops.Mul(), ops.Add())):
        y = b.emit(op, y, value)
    return y


@LEGAL(ops.LayerNorm)
def layer_norm(b: Rewriter, node: Node[ops.LayerNorm]) -> Value:
    x, *affine = in_float32(b, node)
    axes = tuple(range(node.op.axis, x.type.rank))
    y = standardized(b, x, axes, node.op.epsilon)
    return b.cast(_affine(b, y, affine), node.output.type.dtype)


@LEGAL(ops.GroupNorm)
def group_norm(b: Rewriter, node: Node[ops.GroupNorm]) -> Value:
    """An instance norm needs no reshaping; else the groups become an axis."""
    x, *affine = in_float32(b, node)
    n, c, *sizes = x.type.shape
    rank, groups = x.type.rank, node.op.groups
    if c == groups:
        y = standardized(b, x, tuple(range(2, rank)), node.op.epsilon)
    else:
        each = c // groups
        grouped = b.reshape(x, [n, groups, each, product(sizes)])
        y = standardized(b, grouped, (2, 3), node.op.epsilon)
        y = b.reshape(y, x.type.shape)
    y = _affine(b, y, [_channelwise(b, v, rank) for v in affine])
    return b.cast(y, node.output.type.dtype)


@LEGAL(ops.Softmax, ops.LogSoftmax)
def softmax(b: Rewriter, node: Node[Any]) -> Value:
    """The kernels work along the last axis."""
    (x,) = node.inputs
    axis, rank = node.op.axis, x.type.rank
    kernel = TflSoftmax() if isinstance(node.op, ops.Softmax) else TflLogSoftmax()
    if axis == rank - 1:
        return b.emit(kernel, x)
    perm = [*(i for i in range(rank) if i != axis), axis]
    moved = b.transpose(x, perm)
    moved.quant = x.quant
    y = b.emit(kernel, moved)
    y.quant = node.output.quant
    return b.transpose(y, [perm.index(i) for i in range(rank)])


@LEGAL(ops.LocalResponseNorm)
def local_response_norm(b: Rewriter, node: Node[ops.LocalResponseNorm]) -> Value:
    """The sum over channels is that of shifted slices, which holds for even sizes, too."""
    (x,) = node.inputs
    op = node.op
    before = (op.size - 1) // 2
    square = b.emit(ops.Mul(), x, x)
    pads = ((0, 0), (before, op.size - 1 - before), *((0, 0),) * (x.type.rank - 2))
    wide = b.emit(ops.Pad(pads=pads, mode="constant", value=0.0), square)
    c = x.type.shape[1]
    rest: list[Any] = [None] * (x.type.rank - 2)
    total = None
    for i in range(op.size):
        part = b.slice(wide, [None, (i, i + c, 1), *rest])
        total = part if total is None else b.emit(ops.Add(), total, part)
    assert total is not None
    scaled = b.emit(ops.Mul(), total, number(b, x, op.alpha / op.size))
    base = b.emit(ops.Pow(), plus(b, scaled, op.k), number(b, x, op.beta))
    return b.emit(ops.Div(), x, base)

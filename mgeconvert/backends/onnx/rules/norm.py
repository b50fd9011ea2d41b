"""Normalisation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mgeconvert.backends.onnx.emitter import Emitter
from mgeconvert.backends.onnx.rules import versioned
from mgeconvert.backends.onnx.rules.dims import known
from mgeconvert.backends.onnx.rules.shape import emit_reshape
from mgeconvert.backends.onnx.rules.table import RULES
from mgeconvert.backends.onnx.rules.typed import cast_from
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import Dim, DType, Node, ops
from mgeconvert.ir.dims import product


@RULES(ops.BatchNorm, since=7)
def batch_norm(e: Emitter, node: Node[ops.BatchNorm]) -> str:
    return e.emit("BatchNormalization", *e.inputs(node), epsilon=node.op.epsilon)


@RULES(ops.LayerNorm, since=17)
def layer_norm(e: Emitter, node: Node[ops.LayerNorm]) -> str | Sequence[str]:
    x, *affine = e.inputs(node)
    type_ = node.output.type
    sizes = known(type_.shape[node.op.axis :])
    if math.prod(sizes or ()) == 1 and not (affine and sizes is None):  # refused by onnxruntime
        return layer_norm_by_means(e, node)
    scale = affine or [e.constant(np.ones(sizes or (), type_.dtype.numpy), "ones")]
    return e.emit("LayerNormalization", x, *scale, axis=node.op.axis, epsilon=node.op.epsilon)


@RULES(ops.LayerNorm, since=7)
def layer_norm_by_means(e: Emitter, node: Node[ops.LayerNorm]) -> str:
    """(x - mean) / sqrt(mean of squares + epsilon) * scale + bias, in float32 at least."""
    dtype = node.output.type.dtype
    wide = DType.F32 if dtype is DType.F16 else dtype
    x, *affine = (cast_from(e, name, old=dtype, new=wide) for name in e.inputs(node))
    axes = list(range(node.op.axis, node.output.type.rank))
    mean = versioned.reduce(e, "ReduceMean", x, axes=axes, keepdims=True)
    centred = e.emit("Sub", x, mean)
    squares = e.emit("Mul", centred, centred)
    variance = versioned.reduce(e, "ReduceMean", squares, axes=axes, keepdims=True)
    root = e.emit("Sqrt", e.emit("Add", variance, e.scalar(node.op.epsilon, wide)))
    y = e.emit("Div", centred, root)
    for name, vector in zip(("Mul", "Add"), affine):
        y = e.emit(name, y, vector)
    return cast_from(e, y, old=wide, new=dtype)


@RULES(ops.GroupNorm, since=21)
def group_norm(e: Emitter, node: Node[ops.GroupNorm]) -> str | Sequence[str]:
    if node.op.groups == node.output.type.shape[1]:
        return group_norm_by_instance(e, node)
    x, *affine = e.inputs(node)
    scale, bias = _defaults(e, node, affine, node.output.type.shape[1])
    op = node.op
    return e.emit("GroupNormalization", x, scale, bias, num_groups=op.groups, epsilon=op.epsilon)


@RULES(ops.GroupNorm, since=7)
def group_norm_by_instance(e: Emitter, node: Node[ops.GroupNorm]) -> str:
    """Make each group a channel; as many groups as channels are that already."""
    x, *affine = e.inputs(node)
    groups, epsilon, shape = node.op.groups, node.op.epsilon, node.output.type.shape
    if groups == shape[1]:
        scale, bias = _defaults(e, node, affine, groups)
        return e.emit("InstanceNormalization", x, scale, bias, epsilon=epsilon)
    grouped = (shape[0], groups, product(shape[1:]) // groups)
    y = emit_reshape(e, x, old=shape, new=grouped)
    scale, bias = _defaults(e, node, [], groups)
    y = e.emit("InstanceNormalization", y, scale, bias, epsilon=epsilon)
    y = emit_reshape(e, y, old=grouped, new=shape)
    spread = list(range(1, len(shape) - 1))
    for name, vector in zip(("Mul", "Add"), affine):
        y = e.emit(name, y, versioned.unsqueeze(e, vector, spread))
    return y


def _defaults(
    e: Emitter, node: Node[ops.GroupNorm], affine: Sequence[str], channels: Dim
) -> tuple[str, str]:
    """Return scale and bias, ones and zeros where the operator has none."""
    if not isinstance(channels, int):
        raise UnsupportedCase("a group norm over an unknown number of channels")
    numpy = node.output.type.dtype.numpy
    made = [e.constant(np.ones(channels, numpy), "ones")] if not affine else []
    made += [e.constant(np.zeros(channels, numpy), "zeros")] if len(affine) < 2 else []
    scale, bias = [*affine, *made]
    return scale, bias


@RULES(ops.LocalResponseNorm, since=7)
def local_response_norm(e: Emitter, node: Node[ops.LocalResponseNorm]) -> str:
    (x,) = e.inputs(node)
    op, type_ = node.op, node.output.type
    if op.size % 2 and type_.rank == 4 and type_.dtype is not DType.F64:
        return e.emit("LRN", x, size=op.size, alpha=op.alpha, beta=op.beta, bias=op.k)
    return _lrn_by_product(e, x, node)


def _lrn_by_product(e: Emitter, x: str, node: Node[ops.LocalResponseNorm]) -> str:
    """Sum the squares by a banded matrix: runtimes know odd sizes, images and float32 only."""
    op, type_ = node.op, node.output.type
    channels = type_.shape[1]
    if not isinstance(channels, int):
        raise UnsupportedCase("a local response norm over an unknown number of channels")
    before = (op.size - 1) // 2
    ones = np.ones((channels, channels), type_.dtype.numpy)
    band = np.triu(np.tril(ones, op.size - 1 - before), -before)
    columns = (type_.shape[0], channels, product(type_.shape[2:]))
    squares = emit_reshape(e, e.emit("Mul", x, x), old=type_.shape, new=columns)
    total = e.emit("MatMul", e.constant(band, "band"), squares)
    total = emit_reshape(e, total, old=columns, new=type_.shape)
    base = e.emit("Mul", total, e.scalar(op.alpha / op.size, type_.dtype))
    base = e.emit("Add", base, e.scalar(op.k, type_.dtype))
    return e.emit("Div", x, e.emit("Pow", base, e.scalar(op.beta, type_.dtype)))

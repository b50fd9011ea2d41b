"""Normalisation in inference."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import DType, Op, Value, ops


@RULES("function:nn.batch_norm")
def batch_norm(
    c: Call,
    inp: Value,
    running_mean: Value | None = None,
    running_var: Value | None = None,
    weight: Value | None = None,
    bias: Value | None = None,
    *,
    training: bool = False,
    momentum: Any = 0.9,
    eps: float = 1e-5,
    inplace: bool = True,
) -> Value:
    """With the statistics of the batch where no others are given."""
    if training and (running_mean is not None or running_var is not None):
        raise UnsupportedCase(
            "batch_norm with training=True changes its statistics",
            hint="trace the model with training=False",
        )
    return normalized(c, inp, running_mean, running_var, weight, bias, eps=eps)


def normalized(
    c: Call,
    inp: Value,
    mean: Value | None,
    variance: Value | None,
    weight: Value | None,
    bias: Value | None,
    *,
    eps: float,
) -> Value:
    """Add a batch norm; tensors of shape (C,) or (1, C, 1, 1), None for what there is not."""
    channels = inp.type.shape[1] if inp.type.rank > 1 else None
    if not isinstance(channels, int):
        raise UnsupportedCase(f"a batch norm of {inp.type}", hint="give it a fixed channel count")
    dtype = inp.type.dtype
    if mean is None or variance is None:
        mean, variance = _statistics(c, inp)
    given = [
        c.constant(np.ones(channels, dtype.numpy)) if weight is None else weight,
        c.constant(np.zeros(channels, dtype.numpy)) if bias is None else bias,
        mean,
        variance,
    ]
    vectors = [c.cast(c.reshaped(v, (-1,)), dtype) for v in given]
    return c.emit(ops.BatchNorm(epsilon=float(eps)), inp, *vectors)


def _statistics(c: Call, x: Value) -> tuple[Value, Value]:
    """Return mean and biased variance by channel, of shape (C,)."""
    axes = tuple(i for i in range(x.type.rank) if i != 1)
    mean = c.emit(ops.ReduceMean(reduced=axes, keepdims=True), x)
    centred = c.emit(ops.Sub(), x, mean)
    squares = c.emit(ops.Mul(), centred, centred)
    return c.squeeze(mean, axes), c.emit(ops.ReduceMean(reduced=axes), squares)


@RULES("module:BatchNorm1d", "module:BatchNorm2d", "module:SyncBatchNorm")
def batch_norm_module(c: Call, inp: Value) -> Value:
    assert c.module is not None
    mean, variance = c.attribute("running_mean"), c.attribute("running_var")
    weight, bias = c.attribute("weight"), c.attribute("bias")
    name = str(c.module.kind)
    if c.module.attributes.get("freeze") and inp.type.rank != 4 and "Sync" not in name:
        return _frozen(c, inp, (mean, variance, weight, bias))
    return normalized(c, inp, mean, variance, weight, bias, eps=c.setting("eps"))


def _frozen(c: Call, x: Value, tensors: tuple[Value | None, ...]) -> Value:
    """The frozen form written out in MegEngine: its (1, C, 1, 1) broadcasts x to rank 4."""
    mean, variance, weight, bias = tensors
    if mean is None or variance is None:
        raise UnsupportedCase("a frozen batch norm without statistics")
    root = c.emit(ops.Add(), variance, c.scalar(c.setting("eps"), DType.F32))
    scale = c.emit(ops.Reciprocal(), c.emit(ops.Sqrt(), root))
    scale = scale if weight is None else c.emit(ops.Mul(), scale, weight)
    shift = c.emit(ops.Neg(), c.emit(ops.Mul(), mean, scale))
    shift = shift if bias is None else c.emit(ops.Add(), shift, bias)
    return c.emit(ops.Add(), c.emit(ops.Mul(), x, scale), shift)


@RULES("function:nn.sync_batch_norm")
def sync_batch_norm(
    c: Call,
    inp: Value,
    running_mean: Value | None,
    running_var: Value | None,
    weight: Value | None = None,
    bias: Value | None = None,
    training: bool = False,
    momentum: Any = 0.9,
    eps: float = 1e-5,
    eps_mode: str = "additive",
    group: Any = None,
) -> Value:
    if eps_mode.lower() != "additive":
        variance = c.emit(
            ops.Maximum(), c.value(running_var), c.scalar(eps, c.value(running_var).type.dtype)
        )
        return normalized(c, inp, running_mean, variance, weight, bias, eps=0.0)
    return batch_norm(c, inp, running_mean, running_var, weight, bias, training=training, eps=eps)


def _affine(
    c: Call, inp: Value, affine: bool, tensors: tuple[Value | None, Value | None]
) -> list[Value]:
    """Return scale and bias with the element type of `inp`; none where they are not applied."""
    if not affine:
        return []
    return [c.cast(t, inp.type.dtype) for t in tensors if t is not None]


@RULES("function:nn.layer_norm")
def layer_norm(
    c: Call,
    inp: Value,
    normalized_shape: Any,
    affine: bool,
    weight: Value | None = None,
    bias: Value | None = None,
    eps: float = 1e-5,
) -> Value:
    axis = inp.type.rank - len(c.shape(normalized_shape))
    vectors = _affine(c, inp, affine, (weight, bias))
    return c.emit(ops.LayerNorm(axis=axis, epsilon=float(eps)), inp, *vectors)


@RULES("module:LayerNorm")
def layer_norm_module(c: Call, x: Value) -> Value:
    return layer_norm(
        c,
        x,
        c.setting("normalized_shape"),
        c.setting("affine"),
        c.attribute("weight"),
        c.attribute("bias"),
        c.setting("eps"),
    )


@RULES("function:nn.group_norm")
def group_norm(
    c: Call,
    inp: Value,
    num_groups: int,
    affine: bool,
    weight: Value | None = None,
    bias: Value | None = None,
    eps: float = 1e-5,
) -> Value:
    vectors = [c.reshaped(v, (-1,)) for v in _affine(c, inp, affine, (weight, bias))]
    return c.emit(ops.GroupNorm(groups=num_groups, epsilon=float(eps)), inp, *vectors)


@RULES("module:GroupNorm")
def group_norm_module(c: Call, x: Value) -> Value:
    return group_norm(
        c,
        x,
        c.setting("num_groups"),
        c.setting("affine"),
        c.attribute("weight"),
        c.attribute("bias"),
        c.setting("eps"),
    )


@RULES("function:nn.instance_norm")
def instance_norm(
    c: Call,
    inp: Value,
    affine: bool,
    weight: Value | None = None,
    bias: Value | None = None,
    eps: float = 1e-5,
) -> Value:
    channels = inp.type.shape[1] if inp.type.rank > 1 else None
    if not isinstance(channels, int):
        raise UnsupportedCase(f"an instance norm of {inp.type}")
    return group_norm(c, inp, channels, affine, weight, bias, eps)


@RULES("module:InstanceNorm")
def instance_norm_module(c: Call, x: Value) -> Value:
    return instance_norm(
        c,
        x,
        c.setting("affine"),
        c.attribute("weight"),
        c.attribute("bias"),
        c.setting("eps"),
    )


@RULES("function:nn.general_norm")
def general_norm(
    c: Call,
    inp: Value,
    normalized_axis: Any,
    affine: bool = True,
    weight: Value | None = None,
    bias: Value | None = None,
    eps: float = 1e-5,
) -> Value:
    """A layer norm with the normalized axes moved to the end."""
    rank = inp.type.rank
    axes = c.axes(normalized_axis, rank)
    rest = [a for a in range(rank) if a not in axes]
    perm = [*rest, *axes]
    op: Op = ops.LayerNorm(axis=len(rest), epsilon=float(eps))
    moved = inp if perm == sorted(perm) else c.transpose(inp, perm)
    y = c.emit(op, moved, *_affine(c, inp, affine, (weight, bias)))
    return y if moved is inp else c.transpose(y, [perm.index(a) for a in range(rank)])


@RULES("module:GeneralNorm")
def general_norm_module(c: Call, x: Value) -> Value:
    return general_norm(
        c,
        x,
        c.setting("normalized_axis"),
        c.setting("affine"),
        c.attribute("weight"),
        c.attribute("bias"),
        c.setting("eps"),
    )


@RULES("function:nn.local_response_norm")
def local_response_norm(
    c: Call,
    inp: Value,
    kernel_size: int = 5,
    k: float = 2.0,
    alpha: float = 1e-4,
    beta: float = 0.75,
) -> Value:
    """MegEngine does not divide alpha by the size of the window, as the IR does."""
    op = ops.LocalResponseNorm(
        size=kernel_size, alpha=float(alpha) * kernel_size, beta=float(beta), k=float(k)
    )
    return c.emit(op, inp)


@RULES("module:LocalResponseNorm")
def local_response_norm_module(c: Call, inp: Value) -> Value:
    return local_response_norm(
        c,
        inp,
        c.setting("kernel_size"),
        c.setting("k"),
        c.setting("alpha"),
        c.setting("beta"),
    )

"""Normalisation in inference."""

from __future__ import annotations

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.call import Call
from mgeconvert.frontends.mge.rules.table import RULES
from mgeconvert.ir import Value, ops

Normed = tuple[Value, None, None]


@RULES("BatchNorm", limits="with given statistics only")
def batch_norm(
    c: Call, x: Value, scale: Value, bias: Value, mean: Value, variance: Value
) -> tuple[Value | None, ...]:
    """The last result is the image; those before are statistics for training."""
    c.need("fwd_mode", "INFERENCE")
    c.need("param_dim", "DIM_1C11")
    channels = x.type.shape[1]
    if not isinstance(channels, int):
        raise UnsupportedCase(f"a batch norm of {x.type}", hint="give it a fixed channel count")
    vectors = [
        c.cast(c.reshaped(v, (channels,)), x.type.dtype) for v in (scale, bias, mean, variance)
    ]
    y = c.emit(ops.BatchNorm(epsilon=float(c.setting("epsilon"))), x, *vectors)
    return (*[None] * (len(c.operator.outputs) - 1), y)


@RULES("LayerNorm")
def layer_norm(c: Call, x: Value, *affine: Value) -> Normed:
    axis = x.type.rank - int(c.setting("normalized_dim"))
    op = ops.LayerNorm(axis=axis, epsilon=float(c.setting("eps")))
    return c.emit(op, x, *_affine(c, x, affine)), None, None


@RULES("GeneralNorm")
def general_norm(c: Call, x: Value, *affine: Value) -> Normed:
    """A layer norm over some axes, which are moved to the end."""
    axes = list(range(*c.settings("axis_start", "axis_end")))
    rest = [a for a in range(x.type.rank) if a not in axes]
    perm = [*rest, *axes]
    op = ops.LayerNorm(axis=len(rest), epsilon=float(c.setting("eps")))
    moved = x if perm == sorted(perm) else c.transpose(x, perm)
    y = c.emit(op, moved, *_affine(c, x, affine))
    return (
        (y if moved is x else c.transpose(y, [perm.index(a) for a in range(len(perm))])),
        None,
        None,
    )


@RULES("GroupNorm")
def group_norm(c: Call, x: Value, *affine: Value) -> Normed:
    return _grouped(c, x, affine, int(c.setting("group"))), None, None


@RULES("InstanceNorm")
def instance_norm(c: Call, x: Value, *affine: Value) -> Normed:
    channels = x.type.shape[1]
    if not isinstance(channels, int):
        raise UnsupportedCase(f"an instance norm of {x.type}")
    return _grouped(c, x, affine, channels), None, None


def _grouped(c: Call, x: Value, affine: tuple[Value, ...], groups: int) -> Value:
    c.need("format", "NCHW")
    vectors = [c.reshaped(v, (-1,)) for v in _affine(c, x, affine)]
    return c.emit(ops.GroupNorm(groups=groups, epsilon=float(c.setting("eps"))), x, *vectors)


def _affine(c: Call, x: Value, affine: tuple[Value, ...]) -> list[Value]:
    return [c.cast(v, x.type.dtype) for v in affine] if c.setting("affine") else []


@RULES("LRN")
def local_response_norm(c: Call, x: Value) -> Value:
    """MegEngine does not divide alpha by the size of the window, as the IR does."""
    size = int(c.setting("n"))
    op = ops.LocalResponseNorm(
        size=size,
        alpha=float(c.setting("alpha")) * size,
        beta=float(c.setting("beta")),
        k=float(c.setting("k")),
    )
    return c.emit(op, x)

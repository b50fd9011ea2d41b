"""Normalisation."""

from __future__ import annotations

from collections.abc import Sequence

from mgeconvert.errors import ShapeError, UnsupportedCase
from mgeconvert.frontends.onnx.call import Call
from mgeconvert.frontends.onnx.rules.table import RULES
from mgeconvert.ir import DType, Value, ops


@RULES("BatchNormalization", since=7, limits="in inference mode, with statistics by channel")
def batch_norm(
    c: Call, x: Value, scale: Value, bias: Value, mean: Value, variance: Value
) -> tuple[Value | None, ...]:
    c.need("training_mode", 0)
    c.need("spatial", 1)
    vectors = [c.cast(v, x.type.dtype) for v in (scale, bias, mean, variance)]
    return (c.emit(ops.BatchNorm(epsilon=c.attribute("epsilon")), x, *vectors),)


@RULES("LayerNormalization", since=17)
def layer_norm(
    c: Call, x: Value, scale: Value, bias: Value | None = None
) -> tuple[Value | None, ...]:
    axis = c.axis(c.attribute("axis"), x.type.rank)
    epsilon = c.attribute("epsilon")
    op = ops.LayerNorm(axis=axis, epsilon=epsilon)
    affine = [v for v in (scale, bias) if v is not None]
    if all(v.type.shape == x.type.shape[axis:] for v in affine):
        y = c.emit(op, x, *affine)
    else:
        y = c.emit(ops.Mul(), c.emit(op, x), scale)
        y = y if bias is None else c.emit(ops.Add(), y, bias)
    if not c.wants(1) and not c.wants(2):
        return (y,)
    return (y, *_statistics(c, x, range(axis, x.type.rank), epsilon))


def _statistics(c: Call, x: Value, axes: Sequence[int], epsilon: float) -> tuple[Value, Value]:
    """Return the mean and 1 / sqrt(variance + epsilon) in float32 at least."""
    x = c.cast(x, DType.F32) if x.type.dtype is DType.F16 else x
    over = ops.ReduceMean(reduced=tuple(axes), keepdims=True)
    mean = c.emit(over, x)
    centred = c.emit(ops.Sub(), x, mean)
    variance = c.emit(over, c.emit(ops.Mul(), centred, centred))
    root = c.emit(ops.Sqrt(), c.emit(ops.Add(), variance, c.like(epsilon, x)))
    return mean, c.emit(ops.Reciprocal(), root)


@RULES("InstanceNormalization", since=6)
def instance_norm(c: Call, x: Value, scale: Value, bias: Value) -> Value:
    channels = x.type.shape[1] if x.type.rank > 2 else None
    if not isinstance(channels, int):
        raise UnsupportedCase(f"an instance norm of {x.type}")
    return c.emit(ops.GroupNorm(groups=channels, epsilon=c.attribute("epsilon")), x, scale, bias)


@RULES("GroupNormalization", since=21)
def group_norm(c: Call, x: Value, scale: Value, bias: Value) -> Value:
    return c.emit(ops.GroupNorm(groups=_groups(c), epsilon=c.attribute("epsilon")), x, scale, bias)


@RULES("GroupNormalization", since=18)
def group_norm_by_group(c: Call, x: Value, scale: Value, bias: Value) -> Value:
    """Below opset 21 scale and bias are those of a group: repeat them for its channels."""
    groups = _groups(c)
    channels = x.type.shape[1] if x.type.rank > 1 else None
    if not isinstance(channels, int) or channels % groups:
        raise ShapeError(f"{groups} groups of {x.type}")
    scale, bias = (
        c.reshape(c.expand(c.reshape(v, (groups, 1)), (groups, channels // groups)), (channels,))
        for v in (scale, bias)
    )
    return c.emit(ops.GroupNorm(groups=groups, epsilon=c.attribute("epsilon")), x, scale, bias)


def _groups(c: Call) -> int:
    groups = int(c.attribute("num_groups"))
    if groups < 1:
        raise ShapeError(f"{groups} groups")
    return groups


@RULES("LRN", since=1)
def local_response_norm(c: Call, x: Value) -> Value:
    size = int(c.attribute("size"))
    if size < 1:
        raise ShapeError(f"size {size}")
    return c.emit(
        ops.LocalResponseNorm(
            size=size,
            alpha=c.attribute("alpha"),
            beta=c.attribute("beta"),
            k=c.attribute("bias"),
        ),
        x,
    )


@RULES("LpNormalization", since=1)
def lp_normalization(c: Call, x: Value) -> Value:
    """Zeros stay zeros."""
    over = ops.ReduceSum(reduced=(c.axis(c.attribute("axis"), x.type.rank),), keepdims=True)
    if c.need("p", 1, 2) == 1:
        norm = c.emit(over, c.emit(ops.Abs(), x))
    else:
        norm = c.emit(ops.Sqrt(), c.emit(over, c.emit(ops.Mul(), x, x)))
    nothing = c.emit(ops.Equal(), norm, c.like(0, x))
    return c.emit(ops.Div(), x, c.emit(ops.Where(), nothing, c.like(1, x), norm))


@RULES("MeanVarianceNormalization", since=9)
def mean_variance_normalization(c: Call, x: Value) -> Value:
    """(x - mean) / (standard deviation + 1e-9)."""
    axes = tuple(c.axis(a, x.type.rank) for a in c.attribute("axes", (0, 2, 3)))
    over = ops.ReduceMean(reduced=axes, keepdims=True)
    centred = c.emit(ops.Sub(), x, c.emit(over, x))
    deviation = c.emit(ops.Sqrt(), c.emit(over, c.emit(ops.Mul(), centred, centred)))
    return c.emit(ops.Div(), centred, c.emit(ops.Add(), deviation, c.like(1e-9, x)))


@RULES("RMSNormalization", since=23)
def rms_normalization(c: Call, x: Value, scale: Value) -> Value:
    """x / sqrt(mean of squares + epsilon) * scale."""
    dtype = x.type.dtype
    wide = DType.F32 if dtype is DType.F16 else dtype
    axes = tuple(range(c.axis(c.attribute("axis"), x.type.rank), x.type.rank))
    y = c.cast(x, wide)
    mean = c.emit(ops.ReduceMean(reduced=axes, keepdims=True), c.emit(ops.Mul(), y, y))
    root = c.emit(ops.Sqrt(), c.emit(ops.Add(), mean, c.like(c.attribute("epsilon"), mean)))
    return c.emit(ops.Mul(), c.cast(c.emit(ops.Div(), y, root), dtype), c.cast(scale, dtype))

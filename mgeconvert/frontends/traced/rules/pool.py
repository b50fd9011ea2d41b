"""Pooling."""

from __future__ import annotations

from typing import Any

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import Value, ops
from mgeconvert.ir.dims import Dim

AVERAGES = {"average": True, "average_count_exclude_padding": False}


@RULES("function:nn.max_pool2d")
def max_pool2d(
    c: Call, inp: Value, kernel_size: Any, stride: Any = None, padding: Any = 0
) -> Value:
    kernel = c.pair(kernel_size)
    op = ops.MaxPool(
        kernel=kernel,
        stride=kernel if stride is None else c.pair(stride),
        padding=tuple((p, p) for p in c.pair(padding)),
    )
    return c.emit(op, inp)


@RULES("function:nn.avg_pool2d")
def avg_pool2d(
    c: Call,
    inp: Value,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    mode: Any = "average_count_exclude_padding",
) -> Value:
    name = str(getattr(mode, "name", mode)).lower()
    if name == "max":
        return max_pool2d(c, inp, kernel_size, stride, padding)
    if name not in AVERAGES:
        raise UnsupportedCase(f"pooling of mode {mode!r}")
    kernel = c.pair(kernel_size)
    op = ops.AvgPool(
        kernel=kernel,
        stride=kernel if stride is None else c.pair(stride),
        padding=tuple((p, p) for p in c.pair(padding)),
        count_padding=AVERAGES[name],
    )
    return c.emit(op, inp)


@RULES("module:MaxPool2d")
def max_pool2d_module(c: Call, inp: Value) -> Value:
    return max_pool2d(c, inp, c.setting("kernel_size"), c.setting("stride"), c.setting("padding"))


@RULES("module:AvgPool2d")
def avg_pool2d_module(c: Call, inp: Value) -> Value:
    return avg_pool2d(
        c,
        inp,
        c.setting("kernel_size"),
        c.setting("stride"),
        c.setting("padding"),
        c.setting("mode"),
    )


@RULES("function:nn.adaptive_max_pool2d")
def adaptive_max_pool2d(c: Call, inp: Value, oshp: Any) -> Value:
    if whole(c, inp, oshp):
        return c.emit(ops.ReduceMax(reduced=(2, 3), keepdims=True), inp)
    kernel, stride = window(c, inp, oshp)
    return c.emit(ops.MaxPool(kernel=kernel, stride=stride, padding=((0, 0), (0, 0))), inp)


@RULES("function:nn.adaptive_avg_pool2d")
def adaptive_avg_pool2d(c: Call, inp: Value, oshp: Any) -> Value:
    if whole(c, inp, oshp):
        return c.emit(ops.ReduceMean(reduced=(2, 3), keepdims=True), inp)
    kernel, stride = window(c, inp, oshp)
    return c.emit(ops.AvgPool(kernel=kernel, stride=stride, padding=((0, 0), (0, 0))), inp)


@RULES("module:AdaptiveMaxPool2d")
def adaptive_max_pool2d_module(c: Call, inp: Value) -> Value:
    return adaptive_max_pool2d(c, inp, c.setting("oshp"))


@RULES("module:AdaptiveAvgPool2d")
def adaptive_avg_pool2d_module(c: Call, inp: Value) -> Value:
    return adaptive_avg_pool2d(c, inp, c.setting("oshp"))


def whole(c: Call, inp: Value, oshp: Any) -> bool:
    """Return whether a pooling to 1 x 1 is a reduction, whatever the size of the image."""
    sizes = inp.type.shape[2:]
    return c.pair(oshp) == (1, 1) and not all(isinstance(d, int) for d in sizes)


def window(c: Call, inp: Value, oshp: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return kernel and stride: stride = in // out, kernel = in - (out - 1) * stride."""
    windows = [_axis(size, out) for size, out in zip(inp.type.shape[2:], c.pair(oshp))]
    return tuple(k for k, _ in windows), tuple(s for _, s in windows)


def _axis(size: Dim, out: int) -> tuple[int, int]:
    if not isinstance(size, int):
        raise UnsupportedCase(
            f"adaptive pooling to {out} of an axis of symbolic size {size}",
            hint="give the input a fixed height and width",
        )
    if not 0 < out <= size:
        raise UnsupportedCase(f"adaptive pooling from {size} to {out} elements")
    stride = size // out
    return size - (out - 1) * stride, stride

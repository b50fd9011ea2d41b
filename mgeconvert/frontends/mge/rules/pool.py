"""Pooling, and the windows of an image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.call import Call
from mgeconvert.frontends.mge.rules.conv import output_padding, spatial, unblocked
from mgeconvert.frontends.mge.rules.table import RULES
from mgeconvert.ir import Op, Value, ops
from mgeconvert.ir.dims import Dim

AVERAGES = {"AVERAGE": True, "AVERAGE_COUNT_EXCLUDE_PADDING": False}
Sizes = tuple[int, ...]


@RULES("Pooling")
def pooling(c: Call, x: Value) -> Value:
    return unblocked(c, _pooled, x)


def _pooled(c: Call, x: Value) -> Value:
    return c.emit(_pool(c, spatial(c, "window"), spatial(c, "stride"), spatial(c, "pad")), x)


def _pool(c: Call, kernel: Sizes, stride: Sizes, pad: Sizes) -> Op:
    name = c.need("mode", "MAX_", *AVERAGES)
    pads = tuple((p, p) for p in pad)
    if name == "MAX_":
        return ops.MaxPool(kernel=kernel, stride=stride, padding=pads)
    return ops.AvgPool(kernel=kernel, stride=stride, padding=pads, count_padding=AVERAGES[name])


@RULES("AdaptivePooling", limits="images of fixed height and width, but for a result of 1 x 1")
def adaptive_pooling(c: Call, x: Value, size: Value) -> Value:
    return unblocked(c, lambda call, image: _adapted(call, image, call.numbers(size)), x)


def _adapted(c: Call, x: Value, target: Sizes) -> Value:
    target = target * 2 if len(target) == 1 else target
    sizes = x.type.shape[2:]
    if target == (1, 1) and not all(isinstance(d, int) for d in sizes):
        kind = ops.ReduceMax if c.setting("mode") == "MAX_" else ops.ReduceMean
        return c.emit(kind(reduced=(2, 3), keepdims=True), x)
    windows = [_window(size, out) for size, out in zip(sizes, target)]
    return c.emit(_pool(c, tuple(k for k, _ in windows), tuple(s for _, s in windows), (0, 0)), x)


def _window(size: Dim, out: int) -> tuple[int, int]:
    """Return kernel and stride: stride = in // out, kernel = in - (out - 1) * stride."""
    if not isinstance(size, int):
        raise UnsupportedCase(
            f"adaptive pooling to {out} of an axis of symbolic size {size}",
            hint="give the input a fixed height and width",
        )
    if not 0 < out <= size:
        raise UnsupportedCase(f"adaptive pooling from {size} to {out} elements")
    stride = size // out
    return size - (out - 1) * stride, stride


@RULES("Images2Neibs")
def images_to_neighbours(c: Call, x: Value) -> Value:
    """Windows as (N, C, h, w, kh, kw): a convolution with filters that pick one element each."""
    kernel = spatial(c, "window")
    n, channels, *size = x.type.shape
    op = ops.Conv(
        stride=spatial(c, "stride"),
        padding=tuple((p, p) for p in spatial(c, "pad")),
        dilation=spatial(c, "dilate"),
    )
    flat = c.reshape(x, (n * channels, 1, *size))
    y = c.emit(op, flat, _pickers(c, x, kernel))
    turned = c.transpose(y, (0, 2, 3, 1))
    return c.reshape(turned, (n, channels, *turned.type.shape[1:3], *kernel))


@RULES("SlidingWindowTranspose", limits="windows of a fixed number")
def neighbours_to_images(c: Call, x: Value) -> Value:
    """The sum of windows (N, C, h, w, kh, kw) at their places."""
    kernel, out = spatial(c, "window"), c.settings("out_h", "out_w")
    n, channels, h, w, *_ = x.type.shape
    pad = spatial(c, "pad")
    op = ops.ConvTranspose(
        stride=spatial(c, "stride"),
        padding=tuple((p, p) for p in pad),
        output_padding=(0, 0),
        dilation=spatial(c, "dilate"),
    )
    flat = c.transpose(c.reshape(x, (n * channels, h, w, kernel[0] * kernel[1])), (0, 3, 1, 2))
    pickers = _pickers(c, x, kernel)
    (natural,) = op.infer([flat.type, pickers.type])
    extra = output_padding((n, channels, *out), natural.shape)
    y = c.emit(replace(op, output_padding=extra), flat, pickers)
    return c.reshape(y, (n, channels, *out))


def _pickers(c: Call, x: Value, kernel: Sizes) -> Value:
    count = kernel[0] * kernel[1]
    eye = np.eye(count, dtype=x.type.dtype.numpy)
    return c.constant(eye.reshape(count, 1, *kernel))

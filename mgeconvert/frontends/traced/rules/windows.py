"""Layers made of sliding windows: by gathering, as no target has them."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.conv import alike, need_cross_correlation
from mgeconvert.frontends.traced.rules.pad import pad
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import Array, DType, Value, ops
from mgeconvert.ir.ops.infer import window_size

Pair = tuple[int, ...]


def places(size: int, kernel: int, *, stride: int, dilation: int) -> Array:
    """Return the index (windows, kernel) of each element of each window along one axis."""
    count = window_size(size, kernel, stride=stride, pad=0, dilation=dilation)
    starts = np.arange(count if isinstance(count, int) else 0, dtype=np.int32) * stride
    return starts[:, None] + np.arange(kernel, dtype=np.int32) * dilation


@RULES("function:nn.sliding_window")
def sliding_window(
    c: Call,
    inp: Value,
    kernel_size: Any,
    padding: Any = 0,
    stride: Any = 1,
    dilation: Any = 1,
) -> Value:
    """Return (N, C, rows, columns, KH, KW) of (N, C, H, W)."""
    pads = c.pair(padding)
    x = pad(c, inp, ((0, 0), (0, 0), *((p, p) for p in pads))) if any(pads) else inp
    settings = zip(c.pair(kernel_size), c.pair(stride), c.pair(dilation))
    for axis, (kernel, step, reach) in zip((2, 4), settings):
        size = _known(x.type.shape[axis])
        index = places(size, kernel, stride=step, dilation=reach)
        x = c.emit(ops.Gather(axis=axis), x, c.constant(index))
        # (N, C, rows, KH, W), then (N, C, rows, KH, columns, KW)
    return c.transpose(x, (0, 1, 2, 4, 3, 5))


def _known(size: Any) -> int:
    if not isinstance(size, int):
        raise UnsupportedCase(
            f"sliding windows over an axis of symbolic size {size}",
            hint="give the input a fixed height and width",
        )
    return size


@RULES("module:SlidingWindow")
def sliding_window_module(c: Call, inp: Value) -> Value:
    return sliding_window(c, inp, *_settings(c))


def _settings(c: Call) -> tuple[Any, ...]:
    return tuple(c.setting(name) for name in ("kernel_size", "padding", "stride", "dilation"))


@RULES("function:nn.sliding_window_transpose")
def sliding_window_transpose(
    c: Call,
    inp: Value,
    output_size: Any,
    kernel_size: Any,
    padding: Any = 0,
    stride: Any = 1,
    dilation: Any = 1,
) -> Value:
    """Add the windows (N, C, rows, columns, KH, KW) up where they were: two matrix products."""
    sizes, kernels, pads = c.pair(output_size), c.pair(kernel_size), c.pair(padding)
    steps = zip(c.pair(stride), c.pair(dilation))
    spread = [
        _spread(size, kernel, border, stride=step, dilation=reach)
        for size, kernel, border, (step, reach) in zip(sizes, kernels, pads, steps)
    ]
    n, channels, rows, columns, height, width = inp.type.shape
    x = c.transpose(inp, (0, 1, 3, 5, 2, 4))
    x = c.reshape(x, (n, channels, columns, width, rows * height))
    x = c.emit(ops.MatMul(), x, c.constant(spread[0].astype(inp.type.dtype.numpy)))
    x = c.transpose(x, (0, 1, 4, 2, 3))
    x = c.reshape(x, (n, channels, sizes[0], columns * width))
    return c.emit(ops.MatMul(), x, c.constant(spread[1].astype(inp.type.dtype.numpy)))


def _spread(size: int, kernel: int, border: int, *, stride: int, dilation: int) -> Array:
    """Return the matrix (windows * kernel, size) with 1 where an element of a window belongs."""
    index = places(size + 2 * border, kernel, stride=stride, dilation=dilation).reshape(-1, 1)
    return (index == np.arange(size) + border).astype(np.float32)


@RULES("module:SlidingWindowTranspose")
def sliding_window_transpose_module(c: Call, inp: Value) -> Value:
    return sliding_window_transpose(c, inp, c.setting("output_size"), *_settings(c))


@RULES("function:nn.local_conv2d")
def local_conv2d(
    c: Call,
    inp: Value,
    weight: Value,
    bias: Value | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    conv_mode: Any = "cross_correlation",
) -> Value:
    """The filters are (G, rows, columns, C / G, KH, KW, O / G): one matrix for each place."""
    need_cross_correlation(conv_mode)
    x, w = alike(c, inp, weight)
    groups, rows, columns, inside, height, width, outside = w.type.shape
    if not isinstance(height, int) or not isinstance(width, int):
        raise UnsupportedCase(f"local filters {w.type}")
    x = sliding_window(c, x, (height, width), padding, stride, dilation)
    batch = x.type.shape[0]
    x = c.reshape(x, (batch, groups, inside, rows, columns, height, width))
    x = c.transpose(x, (1, 3, 4, 0, 2, 5, 6))
    each = inside * height * width
    x = c.reshape(x, (groups, rows, columns, batch, each))
    filters = c.reshaped(w, c.numbers([groups, rows, columns, each, outside]))
    y = c.transpose(c.emit(ops.MatMul(), x, filters), (3, 0, 4, 1, 2))
    y = c.reshape(y, (batch, groups * outside, rows, columns))
    return y if bias is None else c.emit(ops.Add(), *alike(c, y, bias))


@RULES("module:LocalConv2d")
def local_conv2d_module(c: Call, inp: Value) -> Value:
    settings = (c.setting(name) for name in ("stride", "padding", "dilation"))
    return local_conv2d(c, inp, c.required("weight"), None, *settings)


@RULES("function:nn.region_restricted_conv")
def region_restricted_conv(
    c: Call,
    inp: Value,
    weight: Value,
    rin: Value,
    rout: Value,
    bias: Value | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    conv_mode: Any = "cross_correlation",
    compute_mode: Any = "default",
) -> Value:
    """A convolution that leaves out the pixels whose region is not that of the result."""
    need_cross_correlation(conv_mode)
    x, w = alike(c, inp, weight)
    shares, outside, inside, *kernel = w.type.shape
    settings = (c.numbers(kernel), padding, stride, dilation)
    regions = sliding_window(c, c.unsqueeze(c.cast(rin, DType.I32), [1]), *settings)
    own = c.unsqueeze(c.cast(rout, DType.I32), [1, 4, 5])
    same = c.cast(c.emit(ops.Equal(), regions, own), x.type.dtype)
    x = c.emit(ops.Mul(), sliding_window(c, x, *settings), same)
    batch, _, rows, columns, height, width = x.type.shape
    x = c.reshape(x, (batch, shares, inside, rows * columns, height * width))
    x = c.transpose(x, (0, 1, 3, 2, 4))
    each = inside * height * width
    x = c.reshape(x, (batch, shares, rows * columns, each))
    filters = c.transpose(c.reshape(w, (shares, outside, each)), (0, 2, 1))
    y = c.transpose(c.emit(ops.MatMul(), x, filters), (0, 1, 3, 2))
    y = c.reshape(y, (batch, shares * outside, rows, columns))
    return y if bias is None else c.emit(ops.Add(), *alike(c, y, bias))


@RULES("module:RegionRestrictedConv")
def region_restricted_conv_module(c: Call, inp: Value, rin: Value, rout: Value) -> Value:
    settings = (c.setting(name) for name in ("stride", "padding", "dilation"))
    weight, bias = c.required("weight"), c.attribute("bias")
    return region_restricted_conv(c, inp, weight, rin, rout, bias, *settings)


@RULES("function:vision.correlation")
def correlation(
    c: Call,
    data1: Value,
    data2: Value,
    kernel_size: int = 1,
    max_displacement: int = 1,
    stride1: int = 1,
    stride2: int = 1,
    pad_size: int = 0,
    is_multiply: bool = True,
) -> Value:
    """The mean product (or distance) of two images, one moved by each displacement."""
    border = ((0, 0), (0, 0), (pad_size, pad_size), (pad_size, pad_size))
    a, b = (pad(c, x, border) if pad_size else x for x in alike(c, data1, data2))
    margin = 2 * (max_displacement + (kernel_size - 1) // 2)
    counts = [-((margin - _known(n)) // stride1) for n in a.type.shape[2:]]
    if min(counts) < 1:
        raise UnsupportedCase(f"a correlation that leaves nothing of {data1.type}")
    spans = [(n - 1) * stride1 + kernel_size for n in counts]
    grid = max_displacement // stride2
    moves = [i * stride2 for i in range(-grid, grid + 1)]
    still = _cut(c, a, (max_displacement, max_displacement), spans)
    maps = []
    for down in moves:
        for across in moves:
            start = (max_displacement + down, max_displacement + across)
            moved = _cut(c, b, start, spans)
            difference = ops.Mul() if is_multiply else ops.Sub()
            product = c.emit(difference, still, moved)
            product = product if is_multiply else c.emit(ops.Abs(), product)
            maps.append(c.emit(ops.ReduceMean(reduced=(1,), keepdims=True), product))
    joined = c.emit(ops.Concat(axis=1), *maps)
    pool = ops.AvgPool(kernel=(kernel_size,) * 2, stride=(stride1,) * 2, padding=((0, 0), (0, 0)))
    return joined if kernel_size == stride1 == 1 else c.emit(pool, joined)


def _cut(c: Call, x: Value, start: Pair, size: list[int]) -> Value:
    return c.slice(x, [None, None, *((a, a + n, 1) for a, n in zip(start, size))])

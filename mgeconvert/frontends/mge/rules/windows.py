"""Layers made of windows of an image, which no target has: slices, products and sums."""

from __future__ import annotations

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.call import Call
from mgeconvert.frontends.mge.rules.conv import layout_of, spatial, unfolded
from mgeconvert.frontends.mge.rules.table import RULES
from mgeconvert.ir import DType, Value, ops
from mgeconvert.ir.dims import Dim
from mgeconvert.ir.ops.infer import window_size

Pair = tuple[int, int]


@RULES("RegionRestrictedConvolution", limits="images of fixed height and width")
def region_restricted_convolution(c: Call, x: Value, w: Value, rin: Value, rout: Value) -> Value:
    """A convolution that leaves out the pixels whose region is not that of the result.

    w is (G, O, I, kh, kw); regions are numbers, (N, H, W) of the image and of the result.
    """
    c.need("mode", "CROSS_CORRELATION")
    shape = w.type.static
    if shape is None or len(shape) != 5 or layout_of(c) is not None:
        raise UnsupportedCase(f"a convolution by regions with filters {w.type}")
    groups, outs, ins, *kernel = shape
    size = _result_size(c, x, (kernel[0], kernel[1]))
    columns = unfolded(c, x, (kernel[0], kernel[1]), size)
    regions = c.unsqueeze(c.cast(rin, DType.I32), [1])
    regions = unfolded(c, regions, (kernel[0], kernel[1]), size)
    own = c.unsqueeze(c.cast(rout, DType.I32), [1, 2])
    same = c.cast(c.emit(ops.Equal(), regions, own), x.type.dtype)
    columns = c.emit(ops.Mul(), columns, same)
    batch, area, each = x.type.shape[0], size[0] * size[1], kernel[0] * kernel[1]
    rows = c.reshape(columns, (batch, each, groups, ins, area))
    rows = c.reshape(c.transpose(rows, (0, 2, 4, 3, 1)), (batch, groups, area, ins * each))
    matrix = c.transpose(c.reshape(w, (groups, outs, ins * each)), (0, 2, 1))
    y = c.transpose(c.emit(ops.MatMul(), rows, matrix), (0, 1, 3, 2))
    return c.reshape(y, (batch, groups * outs, *size))


def _result_size(c: Call, x: Value, kernel: Pair) -> Pair:
    settings = (spatial(c, name) for name in ("stride", "pad", "dilate"))
    sizes = [
        window_size(_known(n), k, stride=s, pad=2 * p, dilation=d)
        for n, k, s, p, d in zip(x.type.shape[2:], kernel, *settings)
    ]
    return _known(sizes[0]), _known(sizes[1])


def _known(size: Dim) -> int:
    if not isinstance(size, int):
        raise UnsupportedCase(
            f"windows over an axis of symbolic size {size}",
            hint="give the input a fixed height and width",
        )
    return size


@RULES("CorrelationForward", limits="images of fixed height and width")
def correlation(c: Call, a: Value, b: Value) -> Value:
    """The mean product (or distance) of two images, one moved by each displacement."""
    c.need("format", "NCHW")
    kernel, reach, border = c.settings("kernel_size", "max_displacement", "pad_size")
    step, pace = c.settings("stride1", "stride2")
    if border:
        pads = ((0, 0), (0, 0), (border, border), (border, border))
        a, b = (c.emit(ops.Pad(pads=pads), x) for x in (a, b))
    margin = 2 * (reach + (kernel - 1) // 2)
    counts = [-((margin - _known(n)) // step) for n in a.type.shape[2:]]
    if min(counts) < 1:
        raise UnsupportedCase(f"a correlation that leaves nothing of {a.type}")
    spans = [(n - 1) * step + kernel for n in counts]
    moves = [i * pace for i in range(-(reach // pace), reach // pace + 1)]
    still = _cut(c, a, (reach, reach), spans)
    maps = [
        _compared(c, still, _cut(c, b, (reach + down, reach + across), spans))
        for down in moves
        for across in moves
    ]
    joined = c.emit(ops.Concat(axis=1), *maps)
    pool = ops.AvgPool(kernel=(kernel,) * 2, stride=(step,) * 2, padding=((0, 0), (0, 0)))
    return joined if kernel == step == 1 else c.emit(pool, joined)


def _compared(c: Call, still: Value, moved: Value) -> Value:
    if c.setting("is_multiply"):
        result = c.emit(ops.Mul(), still, moved)
    else:
        result = c.emit(ops.Abs(), c.emit(ops.Sub(), still, moved))
    return c.emit(ops.ReduceMean(reduced=(1,), keepdims=True), result)


def _cut(c: Call, x: Value, start: Pair, size: list[int]) -> Value:
    return c.slice(x, [None, None, *((a, a + n, 1) for a, n in zip(start, size))])

"""Convolutions."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mgeconvert.errors import ShapeError, UnsupportedCase
from mgeconvert.frontends.onnx.call import Call
from mgeconvert.frontends.onnx.rules.table import RULES
from mgeconvert.ir import Value, ops
from mgeconvert.ir.dims import Dim
from mgeconvert.ir.ops.infer import Pairs

SAME = ("SAME_UPPER", "SAME_LOWER")


@RULES("Conv", since=1)
def conv(c: Call, x: Value, w: Value, b: Value | None = None) -> Value:
    kernel = kernel_of(c, w)
    stride, dilation = per_axis(c, "strides", kernel), per_axis(c, "dilations", kernel)
    op = ops.Conv(
        stride=stride,
        padding=padding(c, x, kernel, stride=stride, dilation=dilation),
        dilation=dilation,
        groups=groups(c),
    )
    return c.emit(op, x, w, *([b] if b else []))


def groups(c: Call) -> int:
    """Return the number of groups, which is 1 at least."""
    number = int(c.attribute("group"))
    if number < 1:
        raise ShapeError(f"{number} groups")
    return number


def kernel_of(c: Call, w: Value) -> tuple[int, ...]:
    """Return the spatial size of a filter; the attribute has to say the same."""
    kernel = tuple(d for d in w.type.shape[2:] if isinstance(d, int))
    if not kernel or len(kernel) != w.type.rank - 2:
        raise UnsupportedCase(f"a filter of the type {w.type}")
    if tuple(c.attribute("kernel_shape", kernel)) != kernel:
        raise ShapeError(f"kernel_shape {c.attribute('kernel_shape')} for a filter {w.type}")
    return kernel


def per_axis(c: Call, name: str, kernel: Sequence[int]) -> tuple[int, ...]:
    """Return one positive number for each spatial axis, 1 by default."""
    numbers = tuple(c.attribute(name, ())) or (1,) * len(kernel)
    if len(numbers) != len(kernel) or any(n < 1 for n in numbers):
        raise ShapeError(f"{name} {numbers} for {len(kernel)} spatial axes")
    return numbers


def padding(
    c: Call, x: Value, kernel: Sequence[int], *, stride: Sequence[int], dilation: Sequence[int]
) -> Pairs:
    """Return the padding that `pads` or `auto_pad` means."""
    if x.type.rank != len(kernel) + 2:
        raise ShapeError(f"a kernel of {len(kernel)} axes for {x.type}")
    auto = c.need("auto_pad", "NOTSET", "VALID", *SAME)
    if auto in SAME:
        return tuple(
            _same(auto, size, d * (k - 1) + 1, s)
            for size, k, s, d in zip(x.type.shape[2:], kernel, stride, dilation)
        )
    if auto == "VALID":
        return ((0, 0),) * len(kernel)
    return pairs(c, len(kernel))


def pairs(c: Call, spatial: int) -> Pairs:
    """Return the attribute `pads` as pairs; ONNX has all befores, then all afters."""
    pads = tuple(c.attribute("pads", ())) or (0,) * (2 * spatial)
    if len(pads) != 2 * spatial:
        raise ShapeError(f"pads {pads} for {spatial} spatial axes")
    if any(n < 0 for n in pads):
        raise UnsupportedCase(f"negative pads {pads}")
    return tuple(zip(pads[:spatial], pads[spatial:]))


def _same(auto: str, size: Dim, reach: int, stride: int) -> tuple[int, int]:
    """Return the padding with which ceil(size / stride) windows fit; the odd one goes to an end."""
    if stride == 1:
        total = reach - 1
    elif isinstance(size, int):
        total = max((math.ceil(size / stride) - 1) * stride + reach - size, 0)
    else:
        raise UnsupportedCase(
            f"auto_pad = {auto!r} with the stride {stride} of the unknown size {size}",
            hint="give the input's height and width",
        )
    less = total // 2
    return (less, total - less) if auto == "SAME_UPPER" else (total - less, less)


@RULES("ConvTranspose", since=1)
def conv_transpose(c: Call, x: Value, w: Value, b: Value | None = None) -> Value:
    kernel = kernel_of(c, w)
    if x.type.rank != len(kernel) + 2:
        raise ShapeError(f"a kernel of {len(kernel)} axes for {x.type}")
    stride, dilation = per_axis(c, "strides", kernel), per_axis(c, "dilations", kernel)
    extra = tuple(c.attribute("output_padding", ())) or (0,) * len(kernel)
    if len(extra) != len(kernel) or any(n < 0 for n in extra):
        raise ShapeError(f"output_padding {extra} for {len(kernel)} spatial axes")
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    pads, extra = _transposed_padding(c, x, stride, reach=reach, extra=extra)
    op = ops.ConvTranspose(
        stride=stride, padding=pads, output_padding=extra, dilation=dilation, groups=groups(c)
    )
    return c.emit(op, x, w, *([b] if b else []))


def _transposed_padding(
    c: Call, x: Value, stride: Sequence[int], *, reach: Sequence[int], extra: tuple[int, ...]
) -> tuple[Pairs, tuple[int, ...]]:
    """Return padding and output padding; those that are not given follow from the output's size."""
    auto = c.need("auto_pad", "NOTSET", "VALID", *SAME)
    sizes: Sequence[Dim] = x.type.shape[2:]
    wanted: Sequence[Dim] = c.attribute("output_shape", ())[-len(stride) :]
    if not wanted and auto in SAME:
        wanted = [n * s for n, s in zip(sizes, stride)]
    if not wanted:
        none = ((0, 0),) * len(stride)
        return none if auto == "VALID" else pairs(c, len(stride)), extra
    pads, more = [], []
    for size, s, r, e, out in zip(sizes, stride, reach, extra, wanted):
        total = (size - 1) * s + e + r - out
        if not isinstance(total, int):
            raise UnsupportedCase(f"an output_shape for the unknown size {size}")
        less, rest = max(total, 0) // 2, max(total, 0) - max(total, 0) // 2
        pads.append((less, rest) if auto == "SAME_UPPER" else (rest, less))
        more.append(e + max(-total, 0))
    return tuple(pads), tuple(more)


@RULES("DeformConv", since=19)
def deform_conv(
    c: Call, x: Value, w: Value, offset: Value, b: Value | None = None, mask: Value | None = None
) -> Value:
    kernel = kernel_of(c, w)
    if len(kernel) != 2 or offset.type.rank != 4:
        raise UnsupportedCase("a deformable convolution of other than images")
    stride, dilation = per_axis(c, "strides", kernel), per_axis(c, "dilations", kernel)
    parts = int(c.attribute("offset_group"))
    if offset.type.shape[1] != parts * kernel[0] * kernel[1] * 2:
        raise ShapeError(f"offsets {offset.type} for {parts} groups of offsets")
    op = ops.DeformConv(
        stride=(stride[0], stride[1]),
        padding=pairs(c, 2),
        dilation=(dilation[0], dilation[1]),
        groups=groups(c),
    )
    if mask is None:
        shape = offset.type.shape
        mask = c.full((shape[0], parts * kernel[0] * kernel[1], *shape[2:]), 1, x.type.dtype)
    return c.emit(op, x, w, offset, mask, *([b] if b else []))

"""Convolutions of every kind."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.call import Call, Result
from mgeconvert.frontends.mge.dtypes import quantization
from mgeconvert.frontends.mge.filters import plain_filters
from mgeconvert.frontends.mge.layout import LAYOUTS, Layout
from mgeconvert.frontends.mge.rules.table import RULES
from mgeconvert.ir import DType, Op, Value, ops
from mgeconvert.ir.dims import Shape
from mgeconvert.ir.quantize import bias_quant

NONLINEAR: dict[str, Op | None] = {
    "IDENTITY": None,
    "RELU": ops.Relu(),
    "SIGMOID": ops.Sigmoid(),
    "H_SWISH": ops.HardSwish(),
}
PLANE, SPACE = "hw", "dhw"


def spatial(c: Call, what: str) -> tuple[int, ...]:
    """Return a parameter for each spatial axis: (h, w), or (d, h, w) of three."""
    letters = SPACE if f"{what}_d" in c.operator.params else PLANE
    return c.settings(*(f"{what}_{letter}" for letter in letters))


def layout_of(c: Call) -> Layout | None:
    """Return the blocked layout of the operator, None for NCHW; others are refused by name."""
    name = str(c.operator.params.get("format", "NCHW"))
    if name in ("NCHW", "NCDHW"):
        return None
    if name not in LAYOUTS:
        raise UnsupportedCase(
            f"the memory layout {name}", hint="dump without this option of optimize_for_inference"
        )
    return LAYOUTS[name]


def unblocked(c: Call, work: Callable[..., Value], x: Value, *others: Value) -> Value:
    """Do `work` on the NCHW forms of images; its result is blocked again where x was."""
    layout = layout_of(c)
    if layout is None:
        return work(c, x, *others)
    plain = [c.packings.plain(c, v, layout) for v in (x, *others)]
    return c.packings.pack(c, work(c, *plain), layout)


def on_image(c: Call, work: Callable[[Value], Value], x: Value) -> Value:
    """Do `work` on an image, which is NCHW where the operator's layout is a blocked one."""
    if c.setting("format") not in LAYOUTS:
        return work(x)
    return unblocked(c, lambda _, image: work(image), x)


def filters(
    c: Call, x: Value, w: Value, rank: int, *, transposed: bool = False
) -> tuple[Value, int]:
    """Return filters as (O, I, ...), those of groups one after the other, and the groups.

    Of a transposed convolution O are the channels of its image x.
    """
    grouped = c.need("sparse", "DENSE", "GROUP") == "GROUP"
    layout = layout_of(c)
    if layout is not None:
        if w.const is None:
            raise UnsupportedCase(f"computed filters in the layout {layout.name}")
        channels = x.type.shape[1]
        known = channels if isinstance(channels, int) and not transposed else None
        whole = w in c.stored
        plain = plain_filters(w.const, layout, grouped=grouped, channels=known, whole=whole)
        w = c.renewed(w, plain)
    if w.type.rank != rank + grouped:
        raise UnsupportedCase(f"filters {w.type} for images of rank {rank}")
    if not grouped:
        return w, 1
    groups, out, *rest = w.type.shape
    if not isinstance(groups, int):
        raise UnsupportedCase(f"{groups} groups")
    return c.reshaped(w, (groups * out, *rest)), groups  # type: ignore[arg-type]


def wide(c: Call, *operands: Value) -> tuple[Value, ...]:
    """Return the operands as they are computed: half precision may be accumulated in float32."""
    if c.operator.params.get("compute_mode") == "FLOAT32":
        return tuple(c.cast(v, DType.F32) for v in operands)
    return operands


def convolved(c: Call, x: Value, w: Value, *bias: Value) -> Value:
    """Add a convolution with the operator's parameters; `bias` has one number for each filter."""
    c.need("mode", "CROSS_CORRELATION")
    plain, groups = filters(c, x, w, x.type.rank)
    return c.cast(c.emit(_conv(c, groups), *wide(c, x, plain, *bias)), x.type.dtype)


def _conv(c: Call, groups: int) -> ops.Conv:
    return ops.Conv(
        stride=spatial(c, "stride"),
        padding=tuple((p, p) for p in spatial(c, "pad")),
        dilation=spatial(c, "dilate"),
        groups=groups,
    )


def summed(c: Call, x: Value, w: Value) -> Result | None:
    """Return what the sums of products of x and w become, None where both are plain.

    Without a type of its own the result has 32 bits, with the product of both scales.
    """
    if x not in c.stored and w not in c.stored:
        return None
    if x not in c.stored or w not in c.stored:
        raise UnsupportedCase("a quantized operand beside one that is not")
    natural = bias_quant(c.stored[x], c.stored[w], axis=0)
    if c.operator.output_dtype is None:
        return Result(natural, rounds=False)
    quant = quantization(c.operator.output_dtype)
    return None if quant is None else Result(quant, rounds=quant != natural)


@RULES("Convolution", "Convolution3D")
def convolution(c: Call, x: Value, w: Value) -> Value:
    c.result = summed(c, x, w)
    layout = layout_of(c)
    image = x if layout is None else c.packings.plain(c, x, layout)
    y = convolved(c, image, w)
    return y if layout is None else c.packings.pack(c, y, layout)


@RULES("ConvBiasForward")
def conv_bias(c: Call, x: Value, w: Value, *added: Value) -> Value:
    """A convolution, its bias, another image that is added, and an activation, in this order."""
    c.result = summed(c, x, w)
    layout = layout_of(c)
    parts = [x, *added]
    if layout is not None:
        parts = [c.packings.plain(c, v, layout) for v in parts]
    image, *rest = parts
    bias = [_vector(c, rest.pop(0))] if rest and _is_bias(rest[0]) else []
    y = _activated(c, convolved(c, image, w, *bias), rest)
    return y if layout is None else c.packings.pack(c, y, layout)


@RULES("BatchConvBiasForward", limits="filters known when converting, and a fixed batch")
def batch_conv_bias(c: Call, x: Value, w: Value, *added: Value) -> Value:
    """A convolution in which each image has filters of its own: as many groups as images."""
    c.need("mode", "CROSS_CORRELATION")
    c.need("sparse", "DENSE")
    c.result = summed(c, x, w)
    if w.const is None or x.type.static is None or w.type.rank != 5 or layout_of(c) is not None:
        raise UnsupportedCase(f"images {x.type} and filters {w.type}")
    n, channels, *size = x.type.static
    filters = c.reshaped(w, (-1, *w.const.shape[2:]))
    joined = c.reshape(x, (1, n * channels, *size))
    y = c.emit(_conv(c, n), joined, filters)
    y = c.reshape(y, (n, w.const.shape[1], *y.type.shape[2:]))
    return _activated(c, y, added)


def _activated(c: Call, y: Value, added: Sequence[Value]) -> Value:
    """Add what is not empty, then the activation."""
    for other in added:
        if other.type.size != 0:
            y = c.emit(ops.Add(), y, other)
    activation = NONLINEAR[c.need("nonlineMode", *NONLINEAR)]
    return y if activation is None else c.emit(activation, y)


def _is_bias(x: Value) -> bool:
    """Return whether x has the shape (1, O, 1, 1)."""
    return x.type.rank > 2 and all(d == 1 for i, d in enumerate(x.type.shape) if i != 1)


def _vector(c: Call, bias: Value) -> Value:
    channels = bias.type.shape[1]
    if not isinstance(channels, int):
        raise UnsupportedCase(f"a bias {bias.type}")
    return c.reshaped(bias, (channels,))


@RULES(
    "ConvolutionBackwardData",
    "Convolution3DBackwardData",
    "Deconvolution",
    "Convolution3DBackwardDataV2",
)
def transposed(c: Call, w: Value, x: Value, *like: Value) -> Value:
    """A transposed convolution; a third operand tells the shape of the result."""
    c.need("mode", "CROSS_CORRELATION")
    c.result = summed(c, x, w)
    layout = layout_of(c)
    image = x if layout is None else c.packings.plain(c, x, layout)
    if layout is not None and like:
        raise UnsupportedCase(f"a transposed convolution to a shape, in the layout {layout.name}")
    plain, groups = filters(c, image, w, image.type.rank, transposed=True)
    stride, pad, dilation = (spatial(c, name) for name in ("stride", "pad", "dilate"))
    op = ops.ConvTranspose(
        stride=stride,
        padding=tuple((p, p) for p in pad),
        output_padding=(0,) * len(stride),
        dilation=dilation,
        groups=groups,
    )
    operands = wide(c, image, plain)
    if like:
        (natural,) = op.infer([v.type for v in operands])
        op = replace(op, output_padding=output_padding(like[0].type.shape, natural.shape))
    y = c.cast(c.emit(op, *operands), x.type.dtype)
    return y if layout is None else c.packings.pack(c, y, layout)


def output_padding(wanted: Shape, natural: Shape) -> tuple[int, ...]:
    """Return what a result of shape `wanted` has more than the natural one, by spatial axis."""
    extra = [a - b for a, b in zip(wanted[2:], natural[2:])]
    known = tuple(n for n in extra if isinstance(n, int) and n >= 0)
    if len(known) != len(extra):
        raise UnsupportedCase(
            f"a transposed convolution to ({', '.join(map(str, wanted))}), where "
            f"({', '.join(map(str, natural))}) is natural"
        )
    return known


@RULES("GroupLocal", "Local", limits="images of fixed height and width")
def local(c: Call, x: Value, w: Value) -> Value:
    """A convolution with other filters at each place.

    w is (h, w, I, kh, kw, O) of the result's size, with the groups before where there are some.
    """
    c.need("mode", "CROSS_CORRELATION")
    shape = w.type.static
    if shape is None or layout_of(c) is not None:
        raise UnsupportedCase(f"a local convolution with filters {w.type}")
    grouped = shape if len(shape) == 7 else (1, *shape)
    w = c.reshaped(w, grouped)
    groups, height, width, ins, kh, kw, outs = grouped
    columns = unfolded(c, x, (kh, kw), (height, width))
    parts = []
    for group in range(groups):
        own = c.slice(columns, [None, None, (group * ins, (group + 1) * ins, 1), None, None])
        rows = c.transpose(own, (3, 4, 0, 2, 1))  # (h, w, N, I, kh * kw)
        rows = c.reshape(rows, (height * width, x.type.shape[0], ins * kh * kw))
        each = c.slice(w, [(group, group + 1, 1), *[None] * 6])
        matrix = c.reshape(each, (height * width, ins * kh * kw, outs))
        y = c.emit(ops.MatMul(), rows, matrix)
        y = c.transpose(y, (1, 2, 0))
        parts.append(c.reshape(y, (x.type.shape[0], outs, height, width)))
    return parts[0] if groups == 1 else c.emit(ops.Concat(axis=1), *parts)


def unfolded(c: Call, x: Value, kernel: tuple[int, int], size: tuple[int, int]) -> Value:
    """Return the windows of x as (N, kh * kw, C, h, w)."""
    (sh, sw), (ph, pw), (dh, dw) = (spatial(c, name) for name in ("stride", "pad", "dilate"))
    if ph or pw:
        x = c.emit(ops.Pad(pads=((0, 0), (0, 0), (ph, ph), (pw, pw))), x)
    parts = []
    for i, j in itertools.product(*map(range, kernel)):
        rows = (i * dh, i * dh + (size[0] - 1) * sh + 1, sh)
        columns = (j * dw, j * dw + (size[1] - 1) * sw + 1, sw)
        parts.append(c.unsqueeze(c.slice(x, [None, None, rows, columns]), [1]))
    return parts[0] if len(parts) == 1 else c.emit(ops.Concat(axis=1), *parts)

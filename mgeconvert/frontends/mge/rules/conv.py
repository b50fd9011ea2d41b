"""Convolutions of every kind."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.call import Call
from mgeconvert.frontends.mge.dtypes import HINT, NOT_YET
from mgeconvert.frontends.mge.layout import LAYOUTS, Layout, plain_filters
from mgeconvert.frontends.mge.rules.table import RULES
from mgeconvert.ir import DType, Op, Value, ops
from mgeconvert.ir.dims import Shape

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


def filters(c: Call, x: Value, w: Value, rank: int) -> tuple[Value, int]:
    """Return filters as (O, I, ...), those of groups one after the other, and the groups."""
    grouped = c.need("sparse", "DENSE", "GROUP") == "GROUP"
    layout = layout_of(c)
    if layout is not None:
        if w.const is None:
            raise UnsupportedCase(f"computed filters in the layout {layout.name}")
        channels = x.type.shape[1]
        assert isinstance(channels, int)
        w = c.renewed(w, plain_filters(w.const, layout, grouped=grouped, channels=channels))
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
    if any(v.quant is not None for v in operands):
        raise UnsupportedCase(f"{NOT_YET}: quantized operands", hint=HINT)
    if c.operator.params.get("compute_mode") == "FLOAT32":
        return tuple(c.cast(v, DType.F32) for v in operands)
    return operands


def convolved(c: Call, x: Value, w: Value, *bias: Value) -> Value:
    """Add a convolution with the operator's parameters; `bias` has one number for each filter."""
    c.need("mode", "CROSS_CORRELATION")
    plain, groups = filters(c, x, w, x.type.rank)
    op = ops.Conv(
        stride=spatial(c, "stride"),
        padding=tuple((p, p) for p in spatial(c, "pad")),
        dilation=spatial(c, "dilate"),
        groups=groups,
    )
    return c.cast(c.emit(op, *wide(c, x, plain, *bias)), x.type.dtype)


@RULES("Convolution", "Convolution3D", limits="quantized types are not supported yet")
def convolution(c: Call, x: Value, w: Value) -> Value:
    layout = layout_of(c)
    image = x if layout is None else c.packings.plain(c, x, layout)
    y = convolved(c, image, w)
    return y if layout is None else c.packings.pack(c, y, layout)


@RULES("ConvBiasForward", limits="quantized types are not supported yet")
def conv_bias(c: Call, x: Value, w: Value, *added: Value) -> Value:
    """A convolution, its bias, another image that is added, and an activation, in this order."""
    if c.operator.output_dtype is not None and c.operator.output_dtype.scale is not None:
        raise UnsupportedCase(
            f"{NOT_YET}: a result of type {c.operator.output_dtype.name}", hint=HINT
        )
    layout = layout_of(c)
    parts = [x, *added]
    if layout is not None:
        parts = [c.packings.plain(c, v, layout) for v in parts]
    image, *rest = parts
    bias = [_vector(c, rest.pop(0))] if rest and _is_bias(rest[0]) else []
    y = convolved(c, image, w, *bias)
    for other in rest:
        if other.type.size != 0:
            y = c.emit(ops.Add(), y, other)
    activation = NONLINEAR[c.need("nonlineMode", *NONLINEAR)]
    y = y if activation is None else c.emit(activation, y)
    return y if layout is None else c.packings.pack(c, y, layout)


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
    if layout_of(c) is not None:
        raise UnsupportedCase(f"a transposed convolution in the layout {c.setting('format')}")
    plain, groups = filters(c, x, w, x.type.rank)
    stride, pad, dilation = (spatial(c, name) for name in ("stride", "pad", "dilate"))
    op = ops.ConvTranspose(
        stride=stride,
        padding=tuple((p, p) for p in pad),
        output_padding=(0,) * len(stride),
        dilation=dilation,
        groups=groups,
    )
    operands = wide(c, x, plain)
    if like:
        (natural,) = op.infer([v.type for v in operands])
        op = replace(op, output_padding=output_padding(like[0].type.shape, natural.shape))
    return c.cast(c.emit(op, *operands), x.type.dtype)


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

"""Layers of MegEngine that a model applies as operators, without their function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules import conv, norm, pixels, pool
from mgeconvert.frontends.traced.rules.pad import pad
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import Value

PAIRS = {"CONSTANT": "constant", "REFLECT": "reflect", "REPLICATE": "edge"}


def need_format(format: str, wanted: str) -> None:
    """Raise UnsupportedCase for another layout than `wanted`."""
    if format != wanted:
        raise UnsupportedCase(f"a layer in the format {format}", hint=f"use {wanted}")


@RULES("apply:Convolution")
def convolution(
    c: Call,
    x: Value,
    weight: Value,
    *,
    stride_h: int = 1,
    stride_w: int = 1,
    pad_h: int = 0,
    pad_w: int = 0,
    dilate_h: int = 1,
    dilate_w: int = 1,
    mode: str = "CROSS_CORRELATION",
    format: str = "NCHW",
    sparse: str = "DENSE",
    compute_mode: str = "DEFAULT",
    strategy: Any = None,
    workspace_limit: int = 0,
) -> Value:
    """A grouped filter has its groups as the first axis."""
    need_format(format, "NCHW")
    groups = c.numbers(weight.type.shape)[0] if sparse == "GROUP" else 1
    return conv.conv(
        c,
        x,
        weight,
        None,
        (stride_h, stride_w),
        (pad_h, pad_w),
        (dilate_h, dilate_w),
        groups,
        mode,
    )


@RULES("apply:Pooling")
def pooling(
    c: Call,
    x: Value,
    *,
    window_h: int = 2,
    window_w: int = 2,
    stride_h: int = 2,
    stride_w: int = 2,
    pad_h: int = 0,
    pad_w: int = 0,
    mode: str = "MAX",
    format: str = "NCHW",
    strategy: Any = None,
    workspace_limit: int = 0,
) -> Value:
    need_format(format, "NCHW")
    kind = "average" if mode == "AVERAGE" else mode.lower()
    return pool.avg_pool2d(c, x, (window_h, window_w), (stride_h, stride_w), (pad_h, pad_w), kind)


@RULES("apply:AdaptivePooling")
def adaptive_pooling(
    c: Call,
    x: Value,
    target: Value | None = None,
    *,
    shape: Sequence[int] = (),
    mode: str = "MAX",
    format: str = "NCHW",
) -> Value:
    need_format(format, "NCHW")
    kinds = {"MAX": pool.adaptive_max_pool2d, "AVERAGE": pool.adaptive_avg_pool2d}
    if mode not in kinds:
        raise UnsupportedCase(f"adaptive pooling of mode {mode}")
    return kinds[mode](c, x, c.pair(list(shape) if target is None else target))


@RULES("apply:LRN")
def local_response_norm(
    c: Call, x: Value, *, n: int = 5, k: float = 2.0, alpha: float = 1e-4, beta: float = 0.75
) -> Value:
    return norm.local_response_norm(c, x, n, k, alpha, beta)


@RULES("apply:PixelShuffle")
def pixel_shuffle(c: Call, x: Value, *, factor: int) -> Value:
    return pixels.pixel_shuffle(c, x, factor)


@RULES("apply:Padding")
def padding(
    c: Call,
    x: Value,
    *,
    padding_mode: str = "CONSTANT",
    padding_val: float = 0.0,
    front_offset_dim0: int = 0,
    front_offset_dim1: int = 0,
    front_offset_dim2: int = 0,
    front_offset_dim3: int = 0,
    front_offset_dim4: int = 0,
    front_offset_dim5: int = 0,
    front_offset_dim6: int = 0,
    back_offset_dim0: int = 0,
    back_offset_dim1: int = 0,
    back_offset_dim2: int = 0,
    back_offset_dim3: int = 0,
    back_offset_dim4: int = 0,
    back_offset_dim5: int = 0,
    back_offset_dim6: int = 0,
) -> Value:
    pairs = [
        (front_offset_dim0, back_offset_dim0),
        (front_offset_dim1, back_offset_dim1),
        (front_offset_dim2, back_offset_dim2),
        (front_offset_dim3, back_offset_dim3),
        (front_offset_dim4, back_offset_dim4),
        (front_offset_dim5, back_offset_dim5),
        (front_offset_dim6, back_offset_dim6),
    ]
    mode = PAIRS.get(padding_mode, padding_mode)
    return pad(c, x, pairs[: x.type.rank], mode, padding_val)

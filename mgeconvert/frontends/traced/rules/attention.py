"""Multi-head attention."""

from __future__ import annotations

import math
from typing import Any

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import DType, Value, ops
from mgeconvert.ir.attention import Heads, attention
from mgeconvert.ir.dims import Dim


@RULES("module:MultiHeadAttention")
def multi_head_attention_module(
    c: Call,
    query: Value,
    key: Value,
    value: Value,
    key_padding_mask: Value | None = None,
    attn_mask: Value | None = None,
    need_weights: bool = False,
    average_attn_weights: bool = False,
    is_causal: bool = False,
    maybe_cudnn_style_mask: bool = False,
) -> tuple[Value, Value | None]:
    _need_plain_masks(is_causal=is_causal, cudnn=maybe_cudnn_style_mask)
    inputs = (query, key, value)
    width, heads, biased = (c.setting(name) for name in ("embed_dim", "num_heads", "bias"))
    masks = (key_padding_mask, attn_mask)
    result, weights = _attention(
        c, inputs, masks, c.required("io_weight_bias"), width=width, heads=heads, biased=biased
    )
    return result, _shown(c, weights, wanted=need_weights, mean=average_attn_weights)


@RULES("function:nn.multi_head_attention", limits="with all four projections, as wide as the input")
def multi_head_attention(
    c: Call,
    query: Value,
    key: Value,
    value: Value,
    embed_dim: int,
    num_heads: int,
    attn_drop: float,
    out_drop: float,
    io_weight_bias: Value | None,
    qproj_size: int | None = None,
    kproj_size: int | None = None,
    vproj_size: int | None = None,
    oproj_size: int | None = None,
    qbias: bool = False,
    kbias: bool = False,
    vbias: bool = False,
    obias: bool = False,
    bias_k: Any = None,
    bias_v: Any = None,
    add_zero_attn: bool = False,
    key_padding_mask: Value | None = None,
    attn_mask: Value | None = None,
    need_weights: bool = False,
    average_attn_weights: bool = False,
    is_causal: bool = False,
    maybe_cudnn_style_mask: bool = False,
    reslink: bool = False,
    training: bool = True,
) -> tuple[Value, Value | None]:
    _need_plain_masks(is_causal=is_causal, cudnn=maybe_cudnn_style_mask)
    sizes = {embed_dim if n is None else n for n in (qproj_size, kproj_size, vproj_size)}
    sizes.add(embed_dim if oproj_size is None else oproj_size)
    biases = {qbias, kbias, vbias, obias}
    if sizes != {embed_dim} or len(biases) != 1 or io_weight_bias is None:
        raise UnsupportedCase("an attention without all its projections")
    if training and (attn_drop or out_drop):
        raise UnsupportedCase("attention with dropout is random", hint="call model.eval() first")
    result, weights = _attention(
        c,
        (query, key, value),
        (key_padding_mask, attn_mask),
        io_weight_bias,
        width=embed_dim,
        heads=num_heads,
        biased=qbias,
    )
    return result, _shown(c, weights, wanted=need_weights, mean=average_attn_weights)


def _need_plain_masks(*, is_causal: bool, cudnn: bool) -> None:
    if is_causal or cudnn:
        raise UnsupportedCase(
            "is_causal and masks in the style of cuDNN, which MegEngine runs on CUDA only",
            hint="pass the mask as attn_mask",
        )


def _attention(
    c: Call,
    inputs: tuple[Value, Value, Value],
    masks: tuple[Value | None, Value | None],
    packed: Value,
    *,
    width: int,
    heads: int,
    biased: bool,
) -> tuple[Value, Value]:
    """Return the result (N, L, E), and the weights (N, heads, L, S)."""
    query, key, _ = inputs
    added = _added(c, masks, query.type.shape[0], heads, key.type.shape[1])
    kind = Heads(heads, width, math.sqrt(heads / width), biased)
    return attention(c, inputs, packed, added, heads=kind)


def _added(
    c: Call, masks: tuple[Value | None, Value | None], batch: Dim, heads: int, length: Dim
) -> list[Value]:
    """Return what is added to the scores (N, heads, L, S); True in a mask leaves out."""
    padding, mask = (None if m is None else _as_number(c, m) for m in masks)
    found = []
    if mask is not None:
        rows = mask.type.shape[-2]
        three = mask.type.rank == 3
        found.append(c.reshape(mask, (batch, heads, rows, length)) if three else mask)
    if padding is not None:
        found.append(c.reshape(padding, (batch, 1, 1, length)))
    return found


def _as_number(c: Call, mask: Value) -> Value:
    if mask.type.dtype is not DType.BOOL:
        return c.cast(mask, DType.F32)
    out, kept = c.scalar(-math.inf, DType.F32), c.scalar(0, DType.F32)
    return c.emit(ops.Where(), mask, out, kept)


def _shown(c: Call, weights: Value, *, wanted: bool, mean: bool) -> Value | None:
    """Return the weights as MegEngine does: by head (N * heads, L, S), or their mean (N, L, S)."""
    if not wanted:
        return None
    if mean:
        return c.emit(ops.ReduceMean(reduced=(1,)), weights)
    n, heads, *rest = weights.type.shape
    return c.reshape(weights, (n * heads, *rest))

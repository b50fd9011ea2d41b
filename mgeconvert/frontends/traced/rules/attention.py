"""Multi-head attention."""

from __future__ import annotations

import math
from typing import Any

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import Array, DType, Value, ops
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
    inputs: tuple[Value, ...],
    masks: tuple[Value | None, Value | None],
    packed: Value,
    *,
    width: int,
    heads: int,
    biased: bool,
) -> tuple[Value, Value]:
    """Return the result (N, L, E), and the weights (N, heads, L, S)."""
    q, k, v = inputs
    depths = [x.type.shape[-1] for x in (q, k, v)] + [width]
    project = _projections(c, packed, c.numbers(depths), width, biased=biased)
    q, k, v = (_split(c, _projected(c, x, p), heads) for x, p in zip((q, k, v), project))
    scores = c.emit(ops.MatMul(), q, c.transpose(k, (0, 1, 3, 2)))
    scale = c.scalar(math.sqrt(heads / width), scores.type.dtype)
    scores = c.emit(ops.Mul(), scores, scale)
    batch, length = q.type.shape[0], k.type.shape[2]
    for mask in _added(c, masks, batch, heads, length):
        scores = c.emit(ops.Add(), scores, mask)
    weights = c.emit(ops.Softmax(axis=3), scores)
    joined = c.transpose(c.emit(ops.MatMul(), weights, v), (0, 2, 1, 3))
    joined = c.reshape(joined, (*joined.type.shape[:2], width))
    return _projected(c, joined, project[3]), weights


def _projections(
    c: Call, packed: Value, depths: tuple[int, ...], width: int, *, biased: bool
) -> list[tuple[Value, ...]]:
    """Cut the matrices (in, out) of query, key, value and result, and the four biases after."""
    flat: Array | None = packed.const
    total = sum(depths) * width + (4 * width if biased else 0)
    if flat is None or flat.size != total:
        raise UnsupportedCase(f"the packed weights {packed.type} where {total} are needed")
    flat, start, found = flat.reshape(-1), 0, []
    names = ("q", "k", "v", "out")
    for index, (name, depth) in enumerate(zip(names, depths)):
        parts = [flat[start : start + depth * width].reshape(depth, width)]
        start += depth * width
        if biased:
            end = total - (4 - index) * width
            parts.append(flat[end : end + width])
        kinds = zip(("weight", "bias"), parts)
        found.append(tuple(c.constant(a, f"{packed.name}.{name}_{kind}") for kind, a in kinds))
    return found


def _projected(c: Call, x: Value, project: tuple[Value, ...]) -> Value:
    y = c.emit(ops.MatMul(), x, project[0])
    return c.emit(ops.Add(), y, project[1]) if len(project) > 1 else y


def _split(c: Call, x: Value, heads: int) -> Value:
    """Return (N, heads, L, depth) of (N, L, heads * depth)."""
    n, length, width = x.type.shape
    return c.transpose(c.reshape(x, (n, length, heads, width // heads)), (0, 2, 1, 3))


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

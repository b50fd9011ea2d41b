"""Multi-head attention, which MegEngine's graphs have as one operator."""

from __future__ import annotations

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.call import Call
from mgeconvert.frontends.mge.rules.table import RULES
from mgeconvert.ir import DType, Value
from mgeconvert.ir.attention import Heads, attention

SIZES = ("qproj_size", "kproj_size", "vproj_size", "oproj_size")
BIASES = ("qbias", "kbias", "vbias", "obias")


@RULES("MultiHeadAttn", limits="with all four projections, as wide as the input")
def multi_head_attention(
    c: Call, query: Value, key: Value, value: Value, packed: Value, *masks: Value
) -> tuple[Value, Value]:
    """The result, and the weights of the heads as (N * heads, L, S)."""
    c.need("attn_mask_type", "NO_MASK", "USER_DEFINED_MASK")
    c.need("tensor_combination_type", "NONE", "ONLY_MASK")
    c.need("input_order", 0)
    for name in ("add_zero_attn", "reslink"):
        c.need(name, False)
    if c.setting("training") and (c.setting("attn_prob") or c.setting("out_prob")):
        raise UnsupportedCase(
            "attention with dropout is random", hint="dump the model in evaluation mode"
        )
    width, count = int(c.setting("embeding_size")), int(c.setting("num_heads"))
    biases = {bool(c.setting(name)) for name in BIASES}
    if {int(c.setting(name)) for name in SIZES} != {width} or len(biases) != 1:
        raise UnsupportedCase("an attention without all its projections")
    heads = Heads(count, width, float(c.setting("sm_scaler")), biases.pop())
    added = [_by_head(c, mask, query, count) for mask in masks]
    result, weights = attention(c, (query, key, value), packed, added, heads=heads)
    n, _, *rest = weights.type.shape
    return result, c.reshape(weights, (n * count, *rest))


def _by_head(c: Call, mask: Value, query: Value, heads: int) -> Value:
    """Return a mask (L, S) or (N * heads, L, S) so that it broadcasts to (N, heads, L, S)."""
    numbers = c.cast(mask, DType.F32)
    if mask.type.rank == 2:
        return numbers
    return c.reshape(numbers, (query.type.shape[0], heads, *mask.type.shape[1:]))

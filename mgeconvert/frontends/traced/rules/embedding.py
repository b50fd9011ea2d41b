"""Look-ups: embeddings and one-hot vectors."""

from __future__ import annotations

from typing import Any

from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import DType, Value, ops


@RULES("function:nn.embedding")
def embedding(
    c: Call,
    inp: Value,
    weight: Value,
    padding_idx: Any = None,
    max_norm: Any = None,
    norm_type: Any = None,
) -> Value:
    return c.emit(ops.Gather(axis=0), weight, c.cast(inp, DType.I32))


@RULES("module:Embedding")
def embedding_module(c: Call, inputs: Value) -> Value:
    return embedding(c, inputs, c.required("weight"))


@RULES("function:nn.one_hot")
def one_hot(c: Call, inp: Value, num_classes: Any) -> Value:
    depth = c.numbers(num_classes)[0]
    return c.emit(ops.OneHot(depth=depth, dtype=inp.type.dtype), c.cast(inp, DType.I32))


@RULES("function:nn.indexing_one_hot")
def indexing_one_hot(
    c: Call, src: Value, index: Any, axis: int = 1, keepdims: bool = False
) -> Value:
    """The index has the shape of `src` without `axis`, or with one element there."""
    place = c.axis(axis, src.type.rank)
    indices = c.cast(c.value(index), DType.I32)
    if indices.type.rank < src.type.rank:
        indices = c.unsqueeze(indices, [place])
    picked = c.emit(ops.GatherElements(axis=place), src, indices)
    return picked if keepdims else c.squeeze(picked, [place])

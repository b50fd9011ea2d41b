"""Embeddings."""

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

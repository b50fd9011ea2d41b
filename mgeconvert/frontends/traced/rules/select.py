"""Selecting along an axis by tensors of indices."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import DType, Value, ops
from mgeconvert.ir.masks import true_places


@RULES("function:tensor.gather")
def gather(c: Call, inp: Value, axis: int, index: Any) -> Value:
    indices = c.cast(c.value(index), DType.I32)
    return c.emit(ops.GatherElements(axis=c.axis(axis, inp.type.rank)), inp, indices)


@RULES("function:tensor.scatter", limits="opset 9")
def scatter(c: Call, inp: Value, axis: int, index: Any, source: Any) -> Value:
    indices = c.cast(c.value(index), DType.I32)
    new = c.cast(c.value(source), inp.type.dtype)
    return c.emit(ops.ScatterElements(axis=c.axis(axis, inp.type.rank)), inp, indices, new)


@RULES("function:nn.one_hot")
def one_hot(c: Call, inp: Value, num_classes: Any) -> Value:
    depth = c.numbers(num_classes)[0]
    return c.emit(ops.OneHot(depth=depth, dtype=inp.type.dtype), c.cast(inp, DType.I32))


@RULES("function:nn.indexing_one_hot")
def indexing_one_hot(
    c: Call, src: Value, index: Any, axis: int = 1, keepdims: bool = False
) -> Value:
    place = c.axis(axis, src.type.rank)
    indices = c.unsqueeze(c.cast(c.value(index), DType.I32), [place])
    picked = c.emit(ops.GatherElements(axis=place), src, indices)
    return picked if keepdims else c.squeeze(picked, [place])


@RULES("function:tensor.cond_take")
def cond_take(c: Call, mask: Value, x: Value) -> tuple[Value, Value]:
    if mask.const is None:
        computed = true_places(c, c.cast(mask, DType.BOOL))
        return c.emit(ops.Gather(axis=0), c.reshape(x, (-1,)), computed), computed
    indices = c.constant(np.flatnonzero(mask.const).astype(np.int32))
    return c.emit(ops.Gather(axis=0), c.reshape(x, (-1,)), indices), indices

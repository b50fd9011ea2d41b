"""Elementwise arithmetic of two operands."""

from __future__ import annotations

from typing import Any

from mgeconvert.backends.caffe.binary import (
    difference_of,
    maximum_of,
    minimum_of,
    multiply,
    plus,
    sum_of,
)
from mgeconvert.backends.caffe.emitter import Blob, Emitter, floats
from mgeconvert.backends.caffe.rules.table import RULES
from mgeconvert.ir import Node, ops


@RULES(ops.Add)
def add(e: Emitter, node: Node[ops.Add]) -> Blob:
    a, b = node.inputs
    if a.const is not None:
        a, b = b, a
    if b.const is not None:
        return plus(e, e.blob(a), floats(b))
    return sum_of(e, e.blob(a), e.blob(b))


@RULES(ops.Sub)
def sub(e: Emitter, node: Node[ops.Sub]) -> Blob:
    return difference_of(e, *node.inputs)


@RULES(ops.Mul, ops.And)
def mul(e: Emitter, node: Node[Any]) -> Blob:
    a, b = node.inputs
    return multiply(e, e.blob(b), a) if a.const is not None else multiply(e, e.blob(a), b)


@RULES(ops.Maximum, ops.Or)
def maximum(e: Emitter, node: Node[Any]) -> Blob:
    return maximum_of(e, *node.inputs)


@RULES(ops.Minimum)
def minimum(e: Emitter, node: Node[ops.Minimum]) -> Blob:
    return minimum_of(e, *node.inputs)

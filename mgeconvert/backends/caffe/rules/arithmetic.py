"""Elementwise arithmetic of two operands."""

from __future__ import annotations

import math

from mgeconvert.backends.caffe.binary import (
    difference_of,
    maximum_of,
    minimum_of,
    multiply,
    plus,
    sum_of,
    times,
)
from mgeconvert.backends.caffe.emitter import Blob, Emitter, floats
from mgeconvert.backends.caffe.pieces import power, unary
from mgeconvert.backends.caffe.rules.table import RULES
from mgeconvert.errors import UnsupportedCase
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


@RULES(ops.Mul)
def mul(e: Emitter, node: Node[ops.Mul]) -> Blob:
    a, b = node.inputs
    return multiply(e, e.blob(b), a) if a.const is not None else multiply(e, e.blob(a), b)


@RULES(ops.Pow, limits="one of both is one number; as the base it is positive")
def pow_(e: Emitter, node: Node[ops.Pow]) -> Blob:
    a, b = node.inputs
    exponent = None if b.const is None else floats(b).reshape(-1)
    if exponent is not None and (exponent == exponent[0]).all():
        x = times(e, e.blob(a), floats(b) * 0 + 1)  # for the shape that the exponent may give
        return power(e, x, exponent=float(exponent[0]))
    base = None if a.const is None else floats(a).reshape(-1)
    if base is not None and (base == base[0]).all() and base[0] > 0:
        x = times(e, e.blob(b), floats(a) * 0 + 1)
        return unary(e, "Exp", power(e, x, scale=math.log(float(base[0]))))
    raise UnsupportedCase("a power of two computed operands", hint="one may be one number")


@RULES(ops.Maximum)
def maximum(e: Emitter, node: Node[ops.Maximum]) -> Blob:
    return maximum_of(e, *node.inputs)


@RULES(ops.Minimum)
def minimum(e: Emitter, node: Node[ops.Minimum]) -> Blob:
    return minimum_of(e, *node.inputs)

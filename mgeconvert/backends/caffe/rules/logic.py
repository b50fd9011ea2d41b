"""Comparisons, logic, rounding and other steps: indicators of 0 and 1 made of ReLU and Power."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgeconvert.backends.caffe.binary import difference_of, times
from mgeconvert.backends.caffe.emitter import Blob, Emitter, floats
from mgeconvert.backends.caffe.held import HELD
from mgeconvert.backends.caffe.pieces import difference, negative, power, product, total, unary
from mgeconvert.backends.caffe.rules.table import RULES
from mgeconvert.backends.caffe.whole import (
    cut_off,
    floor,
    inverted,
    is_zero,
    nonzero,
    positive,
    rounded,
    sign,
    wrapped,
)
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import DType, Node, Value, ops


def is_whole(value: Value) -> bool:
    """Whether the elements are bools or integers."""
    return value.type.dtype in HELD


def _difference(e: Emitter, a: Value, b: Value) -> Blob:
    """Return a - b; raise UnsupportedCase where it says nothing of what is asked."""
    if a is b:
        raise UnsupportedCase(
            "a comparison that asks for what is not a number: it does not come through arithmetic"
        )
    if any(v.const is not None and not np.isfinite(v.const).all() for v in (a, b)):
        raise UnsupportedCase("a comparison with what is not finite")
    return difference_of(e, a, b)


@RULES(ops.Greater, ops.Less, ops.GreaterEqual, ops.LessEqual)
def order(e: Emitter, node: Node[Any]) -> Blob:
    a, b = node.inputs
    swapped = isinstance(node.op, ops.Less | ops.GreaterEqual)
    gap = _difference(e, b, a) if swapped else _difference(e, a, b)
    above = positive(e, gap, whole=is_whole(a))
    return inverted(e, above) if isinstance(node.op, ops.GreaterEqual | ops.LessEqual) else above


@RULES(ops.Equal, ops.NotEqual, ops.Xor)
def equal(e: Emitter, node: Node[Any]) -> Blob:
    same = is_zero(e, _difference(e, *node.inputs), whole=is_whole(node.inputs[0]))
    return same if isinstance(node.op, ops.Equal) else inverted(e, same)


@RULES(ops.Not)
def not_(e: Emitter, node: Node[ops.Not]) -> Blob:
    return inverted(e, e.blob(node.inputs[0]))


@RULES(ops.BitNot)
def bit_not(e: Emitter, node: Node[ops.BitNot]) -> Blob:
    y = power(e, e.blob(node.inputs[0]), scale=-1.0, shift=-1.0)
    return wrapped(e, y, node.output.type.dtype)


@RULES(ops.ShiftLeft, ops.ShiftRight, limits="by a constant number")
def shift(e: Emitter, node: Node[Any]) -> Blob:
    x, by = node.inputs
    if by.const is None:
        raise UnsupportedCase("a shift by a computed number", hint="shift by a constant")
    left = isinstance(node.op, ops.ShiftLeft)
    y = times(e, e.blob(x), 2.0 ** (floats(by) if left else -floats(by)))
    return y if left else floor(e, y)


@RULES(ops.Sign)
def sign_(e: Emitter, node: Node[ops.Sign]) -> Blob:
    (x,) = node.inputs
    return sign(e, e.blob(x), whole=is_whole(x))


@RULES(ops.Floor, ops.Ceil)
def down_or_up(e: Emitter, node: Node[Any]) -> Blob:
    x = e.blob(node.inputs[0])
    if is_whole(node.inputs[0]):
        return x
    return floor(e, x) if isinstance(node.op, ops.Floor) else negative(e, floor(e, negative(e, x)))


@RULES(ops.Round)
def round_(e: Emitter, node: Node[ops.Round]) -> Blob:
    x = e.blob(node.inputs[0])
    if is_whole(node.inputs[0]):
        return x
    if node.op.half == "even":
        return rounded(e, x)
    size = unary(e, "AbsVal", x)
    y = rounded(e, size)
    tie = power(e, difference(e, y, size), shift=0.5)  # 0 where it went down
    return product(e, sign(e, x), total(e, y, is_zero(e, tie)))


@RULES(ops.Cast)
def cast(e: Emitter, node: Node[ops.Cast]) -> Blob:
    """Return whole numbers as they are; what does not fit is cut off where nodes are wrapped."""
    (value,) = node.inputs
    x = e.blob(value)
    if node.op.to is DType.F32 or is_whole(value):
        return x
    return nonzero(e, x) if node.op.to is DType.BOOL else cut_off(e, x)

"""Division and powers: LiteRT stops at a division by 0, and has few element types."""

from __future__ import annotations

import numpy as np

from mgeconvert.backends.tflite.legalize.broadcast import with_merged_axes
from mgeconvert.backends.tflite.legalize.table import LEGAL, Rewriter
from mgeconvert.ir import DType, Node, Value, ops

NO_POWER = (DType.I64, DType.U32)
GREATEST = 64
"""The greatest exponent that is written as products."""


@LEGAL(ops.FloorDiv)
def floor_div(b: Rewriter, node: Node[ops.FloorDiv]) -> Value | None:
    """FLOOR_DIV raises an error where a float is divided by 0; DIV does not."""
    if node.inputs[0].type.dtype.is_float:
        return b.emit(ops.Floor(), b.emit(ops.Div(), *node.inputs))
    return with_merged_axes(b, node)


@LEGAL(ops.Pow)
def power(b: Rewriter, node: Node[ops.Pow]) -> Value | None:
    """A constant power of int64 by repeated squaring."""
    x, y = node.inputs
    if x.type.dtype not in NO_POWER or y.const is None or not y.const.size:
        return with_merged_axes(b, node)
    exponent = int(y.const.flat[0])
    if not (y.const == exponent).all() or not 0 <= exponent <= GREATEST:
        return with_merged_axes(b, node)
    result, square = None, x
    for bit in range(exponent.bit_length()):
        square = b.emit(ops.Mul(), square, square) if bit else x
        if exponent >> bit & 1:
            result = square if result is None else b.emit(ops.Mul(), result, square)
    one = b.constant(np.ones((), x.type.dtype.numpy))
    return b.expand(one if result is None else result, node.output.type.shape)

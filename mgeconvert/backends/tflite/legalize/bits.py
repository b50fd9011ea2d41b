"""Operators on the bits of whole numbers: TFLite has exclusive or and shifts to the right."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgeconvert.backends.tflite.dialect import TflBitcast
from mgeconvert.backends.tflite.legalize.broadcast import with_merged_axes
from mgeconvert.backends.tflite.legalize.table import LEGAL, Rewriter
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import DType, Node, Value, ops

I32, I64 = DType.I32, DType.I64
SMALL = (DType.I8, DType.U8, DType.I16, DType.U16)
HALF = 16
"""Bits of one half of an int32."""


@LEGAL(ops.BitAnd, ops.BitOr)
def bit_and_or(b: Rewriter, node: Node[Any]) -> Value:
    """a + b = (a ^ b) + 2 (a & b) gives a & b where nothing overflows, and a | b with it."""
    x, y = node.inputs
    dtype = x.type.dtype
    if dtype is I64:
        return _by_words(b, node)
    if dtype is DType.U32:
        halves = b.emit(node.op, b.cast(x, I32), b.cast(y, I32))
        return b.cast(halves, dtype)
    both = _and_small(b, x, y) if dtype in SMALL else _and_int32(b, x, y)
    if isinstance(node.op, ops.BitAnd):
        return both
    return b.emit(ops.BitXor(), b.emit(ops.BitXor(), x, y), both)


def _and_small(b: Rewriter, x: Value, y: Value) -> Value:
    """Return x & y of numbers with at most 16 bits, computed in 32."""
    return b.cast(_and_wide(b, b.cast(x, I32), b.cast(y, I32)), x.type.dtype)


def _and_wide(b: Rewriter, x: Value, y: Value) -> Value:
    """Return x & y of int32 whose sum does not overflow."""
    different = b.emit(ops.BitXor(), x, y)
    twice = b.emit(ops.Sub(), b.emit(ops.Add(), x, y), different)
    return b.emit(ops.ShiftRight(), twice, b.scalar(1, I32))


def _and_int32(b: Rewriter, x: Value, y: Value) -> Value:
    """Return x & y by halves of 16 bits."""
    bits, size = b.scalar(HALF, I32), b.scalar(1 << HALF, I32)
    high = [b.emit(ops.ShiftRight(), v, bits) for v in (x, y)]
    low = [b.emit(ops.Sub(), v, b.emit(ops.Mul(), top, size)) for v, top in zip((x, y), high)]
    upper = b.emit(ops.Mul(), _and_wide(b, *high), size)
    return b.emit(ops.Add(), upper, _and_wide(b, *low))


@LEGAL(ops.BitXor)
def bit_xor(b: Rewriter, node: Node[ops.BitXor]) -> Value | None:
    return _by_words(b, node) if node.inputs[0].type.dtype is I64 else with_merged_axes(b, node)


def _by_words(b: Rewriter, node: Node[Any]) -> Value:
    """Compute int64 as pairs of int32, a new last axis."""
    words = [b.emit(TflBitcast(to=I32), v) for v in node.inputs]
    rank = node.output.type.rank
    aligned = [  # before the new axis, as broadcasting aligns the others
        b.unsqueeze(v, range(rank + 1 - v.type.rank)) if v.type.rank <= rank else v for v in words
    ]
    return b.emit(TflBitcast(to=I64), b.emit(node.op, *aligned))


@LEGAL(ops.BitNot)
def bit_not(b: Rewriter, node: Node[ops.BitNot]) -> Value:
    """x ^ -1, or -1 - x in 64 bits."""
    (x,) = node.inputs
    ones = b.constant(np.array(~np.zeros((), x.type.dtype.numpy)), f"{b.name}.ones")
    if x.type.dtype is I64:
        return b.emit(ops.Sub(), ones, x)
    return b.emit(ops.BitXor(), x, ones)


@LEGAL(ops.ShiftLeft)
def shift_left(b: Rewriter, node: Node[ops.ShiftLeft]) -> Value:
    """x * 2 ** n in whole numbers, which wrap around alike, and 0 where all bits leave."""
    x, n = node.inputs
    dtype = x.type.dtype
    wide = I64 if dtype in (I64, DType.U32) else I32
    bits = dtype.numpy.itemsize * 8
    powers = np.array([*(1 << i for i in range(bits)), 0], np.uint64).astype(wide.numpy)
    last = b.scalar(bits, I32)
    count = b.emit(ops.Minimum(), b.cast(n, I32), last)
    b.session.counted.add(count)
    factor = b.emit(ops.Gather(axis=0), b.constant(powers, f"{b.name}.powers"), count)
    return b.cast(b.emit(ops.Mul(), b.cast(x, wide), factor), dtype)


@LEGAL(ops.ShiftRight)
def shift_right(b: Rewriter, node: Node[ops.ShiftRight]) -> Value | None:
    if node.inputs[0].type.dtype is I64:
        raise UnsupportedCase("ShiftRight of int64: LiteRT has no kernel for it", hint="use int32")
    return with_merged_axes(b, node)

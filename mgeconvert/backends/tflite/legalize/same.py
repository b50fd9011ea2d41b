"""Kernels extended by zeros, with which a convolution's padding is TFLite's SAME."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from mgeconvert.backends.tflite.dialect import Pairs, same_padding
from mgeconvert.backends.tflite.legalize.table import Rewriter
from mgeconvert.ir import Array, Node, Value, ops
from mgeconvert.ir.dims import Dim


def with_same_kernel(b: Rewriter, node: Node[ops.Conv]) -> Value | None:
    """Return the convolution with zeros around its kernel so that SAME is its padding, or None.

    The zeros are as few as possible, and not more than the kernel itself; weights must be constant.
    """
    x, w, *bias = node.inputs
    op = node.op
    if w.const is None:
        return None
    found = [
        _extension(n, pad, kernel=k, stride=s, dilation=d)
        for n, pad, k, s, d in zip(
            x.type.shape[2:], op.padding, w.const.shape[2:], op.stride, op.dilation
        )
    ]
    extra = tuple(e for e in found if e is not None)
    if len(extra) < len(found):
        return None
    weights = _extended(b, w, w.const, extra)
    pads = tuple(
        (before + a * d, after + z * d)
        for (before, after), (a, z), d in zip(op.padding, extra, op.dilation)
    )
    return b.emit(replace(op, padding=pads), x, weights, *bias)


def _extension(
    size: Dim, pad: tuple[int, int], *, kernel: int, stride: int, dilation: int
) -> tuple[int, int] | None:
    """Return how many zeros before and after the kernel make `pad` what SAME means, or None."""
    if not isinstance(size, int):
        return None
    count = (size + sum(pad) - dilation * (kernel - 1) - 1) // stride + 1
    if count != -(-size // stride):
        return None
    for before, after in sorted(product(range(kernel + 1), repeat=2), key=sum):
        length = kernel + before + after
        start, _ = same_padding(size, kernel=length, stride=stride, dilation=dilation)
        if start == pad[0] + before * dilation:
            return before, after
    return None


def _extended(b: Rewriter, w: Value, array: Array, extra: Sequence[tuple[int, int]]) -> Value:
    pads: Pairs = ((0, 0), (0, 0), *extra)
    made = b.constant(np.pad(array, pads), w.name)
    made.quant = w.quant
    return made

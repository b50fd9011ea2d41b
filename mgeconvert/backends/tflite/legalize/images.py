"""Images between the IR's N,C,spatial and TFLite's N,spatial,C."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mgeconvert.backends.tflite.dialect import Pairs, same_padding, to_first, to_last
from mgeconvert.backends.tflite.legalize.table import Rewriter
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import Array, Value, ops


def last(b: Rewriter, x: Value) -> Value:
    """Return x with the channels last."""
    return b.transpose(x, to_last(x.type.rank))


def first(b: Rewriter, x: Value) -> Value:
    """Return x, whose channels are last, with the channels second."""
    return b.transpose(x, to_first(x.type.rank))


def permuted(b: Rewriter, x: Value, perm: Sequence[int]) -> Value:
    """Return x with its axes permuted; a constant at once, as a view, with its quantization."""
    if x.const is None:
        return b.transpose(x, perm)
    made = b.constant(x.const.transpose(perm), x.name)
    made.quant = x.quant
    if x.quant is not None and x.quant.axis is not None:
        made.quant = replace(x.quant, axis=list(perm).index(x.quant.axis))
    return made


def with_axis(b: Rewriter, x: Value, axis: int) -> Value:
    """Return x with an axis of one element added at `axis`; a constant at once."""
    if x.const is None:
        return b.unsqueeze(x, [axis])
    made = b.constant(np.expand_dims(x.const, axis), x.name)
    made.quant = x.quant
    if x.quant is not None and x.quant.axis is not None and x.quant.axis >= axis:
        made.quant = replace(x.quant, axis=x.quant.axis + 1)
    return made


def bias_for(b: Rewriter, like: Value, count: Any) -> Value:
    """Return a bias of zeros, for operators that cannot do without."""
    if not isinstance(count, int):
        raise UnsupportedCase("the number of channels is known at run time only")
    zeros: Array = np.zeros(count, like.type.dtype.numpy)
    return b.constant(zeros, f"{b.name}.bias")


def padded(b: Rewriter, x: Value, pads: Pairs, *, value: float = 0.0) -> Value:
    """Return x, N,spatial,C, with `pads` added to the spatial axes."""
    if not any(any(pair) for pair in pads):
        return x
    inside = ((0, 0), *pads, (0, 0))
    y = b.emit(ops.Pad(pads=inside, mode="constant", value=value), x)
    y.quant = x.quant
    return y


def is_same(
    sizes: Sequence[Any],
    pads: Pairs,
    *,
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
) -> bool:
    """Return whether the padding `pads` is what TFLite's SAME means for images of `sizes`."""
    return all(
        isinstance(n, int)
        and _enough(n, pair, kernel=k, stride=s, dilation=d)
        == same_padding(n, kernel=k, stride=s, dilation=d)
        and (n + sum(pair) - d * (k - 1) - 1) // s + 1 == -(-n // s)
        for n, pair, k, s, d in zip(sizes, pads, kernel, stride, dilation)
    )


def _enough(
    size: int, pad: tuple[int, int], *, kernel: int, stride: int, dilation: int
) -> tuple[int, int]:
    """Return the padding without what no window reaches at the end."""
    count = (size + sum(pad) - dilation * (kernel - 1) - 1) // stride + 1
    reach = (count - 1) * stride + dilation * (kernel - 1) + 1
    return pad[0], max(reach - size - pad[0], 0)

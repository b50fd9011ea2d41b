"""The places of extremes: ArgMax, ArgMin and TopK, by comparisons."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgeconvert.backends.caffe.binary import plus, product_of, times
from mgeconvert.backends.caffe.emitter import Blob, Emitter, sizes
from mgeconvert.backends.caffe.mixing import expand, max_over, mix
from mgeconvert.backends.caffe.pieces import difference, flat, negative, power, reshape, total
from mgeconvert.backends.caffe.rules.logic import is_whole
from mgeconvert.backends.caffe.rules.table import RULES
from mgeconvert.backends.caffe.whole import at_most_zero, inverted, is_zero, positive
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import Node, ops

LARGEST_TABLE = 1 << 22  # comparisons of TopK


@RULES(ops.ArgMax, ops.ArgMin)
def arg_extreme(e: Emitter, node: Node[Any]) -> Blob:
    """Number the elements that are the extreme from the end, 1 and up: the greatest is first."""
    (value,), axis = node.inputs, node.op.axis
    x = e.blob(value)
    if isinstance(node.op, ops.ArgMin):
        x = negative(e, x)
    best = expand(e, max_over(e, x, (axis,)), x.shape)
    gap = difference(e, best, x)
    is_best = at_most_zero(e, gap, whole=is_whole(value))
    size = x.shape[axis]
    numbers = np.arange(size, 0, -1, dtype=np.float32)
    numbered = times(e, is_best, numbers.reshape(-1, *(1,) * (x.rank - axis - 1)))
    place = power(e, max_over(e, numbered, (axis,)), scale=-1.0, shift=float(size))
    return reshape(e, place, sizes(node.output))


@RULES(ops.TopK, limits="up to 4 million comparisons")
def top_k(e: Emitter, node: Node[ops.TopK]) -> list[Blob]:
    """Count for each element those that go before it: that is its place in the order."""
    (value,), op = node.inputs, node.op
    x = e.blob(value)
    before, size, after = flat(x.shape, op.axis)
    if before * size * size * after > LARGEST_TABLE:
        raise UnsupportedCase(
            f"the order of {size} elements, {before * after} times: each is compared with each, "
            f"and that makes more than {LARGEST_TABLE} comparisons",
            hint="end the model before it, by outputs",
        )
    rows = reshape(e, x, (before, size, 1, after))
    places = _places(e, rows if op.largest else negative(e, rows), whole=is_whole(value))
    wanted = expand(e, places, (before, size, op.k, after))
    numbers = np.arange(op.k, dtype=np.float32).reshape(-1, 1)
    chosen = is_zero(e, plus(e, wanted, -numbers), whole=True)  # (before, size, k, after)
    ones, count = np.ones((1, size), np.float32), np.arange(size, dtype=np.float32)
    found = mix(e, product_of(e, chosen, expand(e, rows, chosen.shape)), 1, ones)
    indices = mix(e, chosen, 1, count.reshape(1, -1))
    return [reshape(e, y, sizes(v)) for y, v in zip((found, indices), node.outputs)]


def _places(e: Emitter, rows: Blob, *, whole: bool) -> Blob:
    """Return how many elements go before each one of (before, size, 1, after)."""
    before, size, _, after = rows.shape
    table = (before, size, size, after)  # of two elements: the one that is placed, and any other
    own, other = (
        expand(e, rows, table),
        expand(e, reshape(e, rows, (before, 1, size, after)), table),
    )
    greater = positive(e, difference(e, other, own), whole=whole)
    as_great = inverted(e, positive(e, difference(e, own, other), whole=whole))
    first = np.tril(np.ones((size, size), np.float32), -1)  # the other one has the lower index
    later = times(e, greater, (1 - first - np.eye(size, dtype=np.float32)).reshape(size, size, 1))
    earlier = times(e, as_great, first.reshape(size, size, 1))
    return mix(e, total(e, later, earlier), 2, np.ones((1, size), np.float32))

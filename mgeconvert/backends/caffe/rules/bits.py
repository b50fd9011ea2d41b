"""Bitwise operators: remainders by powers of two for a constant, else bit by bit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mgeconvert.backends.caffe.binary import constant_like, joint, plus, sum_of
from mgeconvert.backends.caffe.emitter import Blob, Emitter, floats
from mgeconvert.backends.caffe.mixing import expand
from mgeconvert.backends.caffe.pieces import difference, negative, power, product, total
from mgeconvert.backends.caffe.rules.table import RULES
from mgeconvert.backends.caffe.whole import floor, nearest
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import DType, Node, Value, ops

BITS = {DType.I8: 8, DType.U8: 8, DType.I16: 16, DType.U16: 16}
"""The types whose numbers are taken apart."""

WIDEST = 64


@RULES(ops.BitAnd, ops.BitOr, ops.BitXor, limits="by one number, or up to 16 bits")
def bitwise(e: Emitter, node: Node[Any]) -> Blob:
    """Return a & b, a | b = a + (b - (a & b)) or a ^ b = (a - (a & b)) + (b - (a & b))."""
    a, b = node.inputs
    if a.const is not None:
        a, b = b, a
    shape = joint([a.type.static or (1,), b.type.static or (1,)])
    x = expand(e, e.blob(a), shape)
    both = _and(e, x, a, b)
    if isinstance(node.op, ops.BitAnd):
        return both
    rest = _sum(e, negative(e, both), b)
    if isinstance(node.op, ops.BitXor):
        x = difference(e, x, both)
    return total(e, rest, x)


def _sum(e: Emitter, x: Blob, b: Value) -> Blob:
    """Return x + b, which is broadcast."""
    return plus(e, x, floats(b)) if b.const is not None else sum_of(e, x, e.blob(b))


def _and(e: Emitter, x: Blob, a: Value, b: Value) -> Blob:
    """Return x & b, where x is a in the shape of the result."""
    if _is_one(b):
        assert b.const is not None
        return _masked(e, x, int(b.const.reshape(-1)[0]))
    if a.type.dtype not in BITS:
        raise UnsupportedCase(
            f"bits of two computed {a.type.dtype.value}", hint="one may be one constant number"
        )
    count = BITS[a.type.dtype]
    pairs = zip(_bits(e, x, count), _bits(e, expand(e, e.blob(b), x.shape), count))
    weights = [*(float(1 << i) for i in range(count)), -float(1 << count)]
    return total(e, *(product(e, *pair) for pair in pairs), coefficients=weights)


def _is_one(value: Value) -> bool:
    """Whether it is constant and has one number everywhere."""
    return value.const is not None and bool((value.const == value.const.reshape(-1)[0]).all())


def _bits(e: Emitter, x: Blob, count: int) -> Iterator[Blob]:
    """Yield the bits from the last one on, then 1 for the sign; -1 times -1 is 1, too."""
    for _ in range(count):
        half = nearest(e, power(e, x, scale=0.5, shift=-0.25))  # rounded down
        yield total(e, x, half, coefficients=(1.0, -2.0))
        x = half
    yield x


def _masked(e: Emitter, x: Blob, mask: int) -> Blob:
    """Return x & mask: for each run of ones, the bits below its end less those below its start."""
    edges = [i for i in range(WIDEST) if (mask >> i & 1) != (mask >> i - 1 & 1 if i else 0)]
    terms = [_low(e, x, i) for i in edges]
    signs = [-1.0 if n % 2 == 0 else 1.0 for n in range(len(edges))]
    if mask < 0:  # the ones do not end
        terms, signs = [*terms, x], [*signs, 1.0]
    kept = [(term, sign) for term, sign in zip(terms, signs) if term is not None]
    if not kept:
        return constant_like(e, x, 0.0)
    if len(kept) == 1:
        return kept[0][0]
    return total(e, *(term for term, _ in kept), coefficients=[sign for _, sign in kept])


def _low(e: Emitter, x: Blob, bits: int) -> Blob | None:
    """Return x modulo 2 ** bits, None for 0."""
    if bits == 0:
        return None
    times = floor(e, power(e, x, scale=2.0**-bits))
    return total(e, x, times, coefficients=(1.0, -(2.0**bits)))

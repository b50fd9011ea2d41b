"""Seeded random arrays, the same bytes on each machine and with each numpy (numpy only).

They are made of raw PCG64 words, whose stream numpy promises to keep, with arithmetic that is exact
everywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from mgeconvert.check.runners.protocol import Array

SMALL_INTS = (0.0, 9.0)
UNIT = 2.0**-53


def random_array(
    shape: tuple[int, ...],
    dtype: np.dtype,
    *,
    range: tuple[float, float] | None,
    seed: int,
    key: Sequence[object],
) -> Array:
    """Return random data that depends on `seed` and `key` alone.

    float: in `range`, else near standard normal (the sum of twelve uniform values less six);
    integers: in `range`, else all values of 8-bit types, and 0 to 9 of wider ones; bool: even odds.
    """
    digest = hashlib.sha256("\0".join(map(str, key)).encode()).digest()
    words = np.frombuffer(digest, dtype="<u4").tolist()
    bits = np.random.PCG64(np.random.SeedSequence([seed, *words]))
    count = int(np.prod(shape, dtype=np.int64))
    if dtype.kind == "f" and range is None:
        values = _normal(bits, count)
    else:
        low, high = range or _default_range(dtype)
        unit = (bits.random_raw(count) >> np.uint64(11)).astype(np.float64) * UNIT
        if dtype.kind == "f":
            values = low + unit * (high - low)
        else:
            values = np.ceil(low) + np.floor(unit * (np.floor(high) - np.ceil(low) + 1))
    return values.astype(dtype).reshape(shape)


def _normal(bits: np.random.PCG64, count: int) -> Array:
    """Sum twelve 16-bit integers each (three words): mean 0, variance 1, exact in float64."""
    words = np.asarray(bits.random_raw(3 * count), dtype=np.uint64)
    total = np.zeros(count, np.int64)
    for shift in (0, 16, 32, 48):
        part = (words >> np.uint64(shift)) & np.uint64(0xFFFF)
        total += part.astype(np.int64).reshape(count, 3).sum(axis=1)
    return (total - 6 * 65535) / 65536.0


def _default_range(dtype: np.dtype) -> tuple[float, float]:
    if dtype.kind == "b":
        return 0.0, 1.0
    if dtype.itemsize == 1:
        limits = np.iinfo(dtype)
        return float(limits.min), float(limits.max)
    return SMALL_INTS

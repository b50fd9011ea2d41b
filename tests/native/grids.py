"""Arrays, grids and channels for the property tests of the kernels.

Hypothesis draws shapes, axes and a seed; the elements come from numpy, so that arrays can be long
enough for vector instructions and what is left over at their ends.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

WHOLE = ("int8", "uint8", "int16", "uint16", "int32")
SHAPES = npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4) | st.sampled_from(
    [(1001,), (3, 67), (67, 3), (2, 5, 35), (2, 35, 5), (3, 1, 33, 2)]
)
SEEDS = st.integers(0, 2**32 - 1).map(np.random.default_rng)


@dataclass(frozen=True)
class Steps:
    """A grid: scale * (q - zero_point), qmin <= q <= qmax."""

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    qmin: int
    qmax: int
    axis: int | None = None


def bits(array):
    """Return the bits of an array, with one NaN for all of them."""
    if array.dtype.kind != "f":
        return array
    one = np.where(np.isnan(array), array.dtype.type(math.nan), array)
    return one.view(f"u{array.dtype.itemsize}")


def laid_out(draw, array):
    """Return the array in another layout with the same elements, or as it is."""
    layout = draw(st.sampled_from(["C", "fortran", "strided", "read-only"]))
    if layout == "fortran":
        return np.asfortranarray(array)
    if layout == "strided":
        return np.repeat(array, 2, axis=-1)[..., ::2] if array.ndim else array
    if layout == "read-only":
        array.flags.writeable = False
    return array


def axes(draw, shape):
    """Return an axis for numbers of each index, which is not empty, or None."""
    return draw(st.sampled_from([None, *(i for i, size in enumerate(shape) if size)]))


def ranges(draw, random, dtype):
    """Return a range within `dtype`, often all of it."""
    limits = np.iinfo(dtype)
    low, high = sorted(random.integers(limits.min, int(limits.max) + 1, 2).tolist())
    whole = low == high or draw(st.booleans())
    return (int(limits.min), int(limits.max)) if whole else (low, high)


@st.composite
def grids(draw, shape, dtype):
    """A grid for an array of `shape`: any range within `dtype`, zero points in it."""
    random = draw(SEEDS)
    low, high = ranges(draw, random, dtype)
    axis = axes(draw, shape)
    count = 1 if axis is None else shape[axis]
    usual = np.exp2(random.uniform(-12, 3, count)).astype(np.float32)
    odd = random.choice(np.float32([2.0**-140, 2.0**-10, 0.25, 0.5, 1, 2.0**40]), count)
    scale = np.where(random.random(count) < draw(st.sampled_from([0, 0.5, 1])), odd, usual)
    zero = random.integers(low, high + 1, count)
    return Steps(tuple(scale.tolist()), tuple(zero.tolist()), low, high, axis)


SPECIAL = (math.nan, math.inf, -math.inf, -0.0, 1e-45, -1e-45, 6e-8, 0.49999997, 8388609.0)
"""NaN, infinities, subnormals, just below a tie, and from where on all floats are whole."""


@st.composite
def reals(draw, dtype="float32"):
    """An array of floats: any bits, usual numbers, ties on grids of powers of two, special ones."""
    shape, random = draw(SHAPES), draw(SEEDS)
    count = math.prod(shape)
    itemsize = np.dtype(dtype).itemsize
    with np.errstate(over="ignore"):
        choices = [
            np.frombuffer(random.bytes(count * itemsize), dtype),
            (random.standard_normal(count) * 100).astype(dtype),
            (random.integers(-600, 600, count) / 4).astype(dtype),
            random.choice(np.array((*SPECIAL, 8388607.5, -8388607.5)), count).astype(dtype),
        ]
    array = np.choose(random.integers(0, len(choices), count), choices).astype(dtype)
    return laid_out(draw, array.reshape(shape))


@st.composite
def wholes(draw, dtype):
    """An array of whole numbers of `dtype`: any, small ones and the ends."""
    shape, random = draw(SHAPES), draw(SEEDS)
    count = math.prod(shape)
    limits = np.iinfo(dtype)
    low, high = int(limits.min), int(limits.max)
    choices = [
        random.integers(low, high, count, endpoint=True, dtype=dtype),
        random.integers(max(low, -300), min(high, 300), count, dtype=dtype),
        random.choice(np.array([low, high], dtype), count),
    ]
    array = np.choose(random.integers(0, 3, count), choices)
    return laid_out(draw, array.reshape(shape))

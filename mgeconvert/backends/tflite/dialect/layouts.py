"""Images with their channels last, and back: what the operators of images share."""

from __future__ import annotations

from typing import Any

from mgeconvert.errors import ShapeError
from mgeconvert.ir import Array

Pairs = tuple[tuple[int, int], ...]


def to_last(rank: int) -> tuple[int, ...]:
    """Return the permutation that puts the channels of N,C,spatial last."""
    return (0, *range(2, rank), 1)


def to_first(rank: int) -> tuple[int, ...]:
    """Return the permutation that puts the channels of N,spatial,C second."""
    return (0, rank - 1, *range(1, rank - 1))


def first(x: Array) -> Array:
    """Return x, whose channels are last, with the channels second."""
    return x.transpose(to_first(x.ndim))


def last(x: Array) -> Array:
    """Return x with the channels last."""
    return x.transpose(to_last(x.ndim))


def whole(n: Any) -> int:
    """Return a size that is known; raise ShapeError for others."""
    if not isinstance(n, int):
        raise ShapeError(f"the size {n} is known at run time only")
    return n

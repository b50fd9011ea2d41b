"""Permutations of axes: axis i of the result is axis perm[i]; depends on the dimensions only."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from mgeconvert.ir.dims import Dim

Perm = tuple[int, ...]


def identity(rank: int) -> Perm:
    """Return the permutation that changes nothing."""
    return tuple(range(rank))


def is_identity(perm: Perm) -> bool:
    """Return whether `perm` changes nothing."""
    return perm == identity(len(perm))


def compose(first: Perm, then: Perm) -> Perm:
    """Return the permutation that does `first`, then `then`."""
    return tuple(first[axis] for axis in then)


def inverse(perm: Perm) -> Perm:
    """Return the permutation that undoes `perm`."""
    result = [0] * len(perm)
    for place, axis in enumerate(perm):
        result[axis] = place
    return tuple(result)


def permuted(dims: Sequence[Dim], perm: Perm) -> tuple[Dim, ...]:
    """Return a shape, or another tuple with an entry for each axis, after `perm`."""
    return tuple(dims[axis] for axis in perm)


def order(perm: Perm, shape: Sequence[Dim]) -> Perm:
    """Return the axes of `perm` that have more than one element: equal orders, equal data."""
    return tuple(axis for axis in perm if shape[axis] != 1)


def without(perm: Perm, removed: Collection[int]) -> Perm:
    """Return what `perm` does to the axes that are left when `removed` are taken out."""
    kept = [axis for axis in range(len(perm)) if axis not in removed]
    number = {axis: i for i, axis in enumerate(kept)}
    return tuple(number[axis] for axis in perm if axis in number)


def with_axes(perm: Perm, added: Collection[int]) -> Perm:
    """Return `perm` with the axes `added` of the larger tensor, each at its own place."""
    rank = len(perm) + len(added)
    kept = [axis for axis in range(rank) if axis not in added]
    rest = iter([kept[axis] for axis in perm])
    return tuple(axis if axis in added else next(rest) for axis in range(rank))


def restricted(perm: Perm, rank: int) -> Perm:
    """Return what `perm` does to the last `rank` axes, as of an operand that broadcasts."""
    gap = len(perm) - rank
    return tuple(axis - gap for axis in perm if axis >= gap)


def extended(perm: Perm, rank: int) -> Perm:
    """Return `perm` for the last axes of a tensor of `rank` axes; those before stay."""
    gap = rank - len(perm)
    return (*range(gap), *(gap + axis for axis in perm))

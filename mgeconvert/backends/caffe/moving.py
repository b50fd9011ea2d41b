"""Cutting and permuting, by Slice and Concat where a dialect has nothing better."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from mgeconvert.backends.caffe.emitter import Blob, Emitter
from mgeconvert.backends.caffe.filters import depthwise
from mgeconvert.backends.caffe.mixing import select
from mgeconvert.backends.caffe.pieces import concat, reshape, slice_all
from mgeconvert.errors import UnsupportedCase

MOST_PARTS = 128  # of one Slice in a permutation
LARGEST_KERNEL = 8  # elements that a convolution leaves out


def cut(e: Emitter, x: Blob, axis: int, start: int, size: int) -> Blob:
    """Return `size` elements of x along `axis`, from `start` on."""
    if size == x.shape[axis]:
        return x
    if not e.dialect.has("Silence"):  # a Slice would leave tops that nobody reads
        return _without_slice(e, x, axis, start, size)
    points = [p for p in (start, start + size) if 0 < p < x.shape[axis]]
    parts = cut_all(e, x, axis, points)
    return parts[1 if start else 0]


def _without_slice(e: Emitter, x: Blob, axis: int, start: int, size: int) -> Blob:
    """Cut by a one-hot convolution, of an image along itself where little is left out."""
    rest = x.shape[axis] - size
    if x.rank != 4 or axis < 2 or rest > LARGEST_KERNEL:
        return select(e, x, axis, range(start, start + size))
    kernel = np.zeros((rest + 1, 1) if axis == 2 else (1, rest + 1), np.float32)
    kernel.reshape(-1)[start] = 1
    return depthwise(e, x, kernel)


def cut_all(e: Emitter, x: Blob, axis: int, points: Sequence[int]) -> list[Blob]:
    """Return all parts of x between `points`; the same cut of the same blob is one layer."""
    if not e.dialect.has("Slice"):
        edges = [0, *points, x.shape[axis]]
        return [select(e, x, axis, range(a, b)) for a, b in itertools.pairwise(edges)]
    return e.shared((x, axis, tuple(points)), lambda: slice_all(e, x, axis, points))


def permute(e: Emitter, x: Blob, perm: Sequence[int]) -> Blob:
    """Return x with axis perm[i] of x as axis i."""
    shape = tuple(x.shape[i] for i in perm)
    blocks, order = _blocks(x.shape, perm)
    if order == sorted(order):
        return reshape(e, x, shape)
    if e.dialect.has("Permute"):
        return e.layer("Permute", [x], shape, order=list(perm))
    current = list(range(len(blocks)))
    for place, wanted in enumerate(order):
        at = current.index(wanted)
        if at == place:
            continue
        groups = (current[:place], current[place:at], [wanted], current[at + 1 :])
        p, a, b, q = (math.prod(blocks[i] for i in group) for group in groups)
        x = _swap(e, x, p, a, b, q)
        current = [*groups[0], wanted, *groups[1], *groups[3]]
    return reshape(e, x, shape)


def _blocks(shape: Sequence[int], perm: Sequence[int]) -> tuple[list[int], list[int]]:
    """Merge axes that stay neighbours: the sizes of the blocks, and their order in the result."""
    kept = [axis for axis in perm if shape[axis] != 1]
    runs: list[list[int]] = []
    rest = [axis for axis in range(len(shape)) if shape[axis] != 1]
    follows = dict(itertools.pairwise(rest))
    for axis in kept:
        if runs and follows.get(runs[-1][-1]) == axis:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    in_source = sorted(runs)
    return [math.prod(shape[i] for i in run) for run in in_source], [
        in_source.index(run) for run in runs
    ]


def _swap(e: Emitter, x: Blob, p: int, a: int, b: int, q: int) -> Blob:
    """Return x, seen as (p, a, b, q), as (p, b, a, q)."""
    if min(a, b) > MOST_PARTS:
        raise UnsupportedCase(
            f"a transpose of {a} by {b} elements: the dialect {e.dialect.name} has no Permute, "
            f"and Slice with Concat is meant for up to {MOST_PARTS} parts",
            hint="dialects that can: opencv, ssd",
        )
    if a <= b:
        view = reshape(e, x, (p, a, b, 1, q) if q > 1 else (p, a, b, 1))
        joined = concat(e, slice_all(e, view, 1, range(1, a)), 3)
    else:
        view = reshape(e, x, (p, 1, a, b, q) if q > 1 else (p, 1, a, b))
        joined = concat(e, slice_all(e, view, 3, range(1, b)), 1)
    return reshape(e, joined, (p, b, a, q))

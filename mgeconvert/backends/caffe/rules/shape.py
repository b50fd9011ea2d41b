"""Operators that move, select or repeat elements."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from mgeconvert.backends.caffe.emitter import Blob, Emitter, sizes
from mgeconvert.backends.caffe.filters import deconvolution, depthwise
from mgeconvert.backends.caffe.mixing import expand, pad_axis, select
from mgeconvert.backends.caffe.moving import cut, cut_all, permute
from mgeconvert.backends.caffe.pieces import concat, reshape
from mgeconvert.backends.caffe.rules.table import RULES
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import Node, ops


@RULES(ops.Reshape, ops.Squeeze, ops.Unsqueeze)
def reshape_(e: Emitter, node: Node[Any]) -> Blob:
    return reshape(e, e.blob(node.inputs[0]), sizes(node.output))


@RULES(ops.Transpose, limits="without Permute: by Slice and Concat, up to 128 parts")
def transpose(e: Emitter, node: Node[ops.Transpose]) -> Blob:
    x = e.blob(node.inputs[0])
    return permute(e, x, node.op.perm) if node.op.perm else x


@RULES(ops.Expand)
def expand_(e: Emitter, node: Node[ops.Expand]) -> Blob:
    return expand(e, e.blob(node.inputs[0]), sizes(node.output))


@RULES(ops.Concat)
def concat_(e: Emitter, node: Node[ops.Concat]) -> Blob:
    return concat(e, [e.blob(v) for v in node.inputs], node.op.axis)


@RULES(ops.Split)
def split(e: Emitter, node: Node[ops.Split]) -> list[Blob]:
    x, parts = e.blob(node.inputs[0]), [sizes(v) for v in node.outputs]
    axis = node.op.axis
    ends = np.cumsum([shape[axis] for shape in parts]).tolist()
    if e.dialect.has("Silence") or all(v.is_used for v in node.outputs):
        return cut_all(e, x, axis, ends[:-1])
    return [  # what nobody reads is left out of the net, as a layer that nobody reads
        cut(e, x, axis, end - shape[axis], shape[axis]) for end, shape in zip(ends, parts)
    ]


@RULES(ops.Tile)
def tile(e: Emitter, node: Node[ops.Tile]) -> Blob:
    x = e.blob(node.inputs[0])
    for axis, (size, wanted) in enumerate(zip(x.shape, sizes(node.output))):
        if size == wanted:
            continue
        shape = (*x.shape[:axis], wanted, *x.shape[axis + 1 :])
        x = expand(e, x, shape) if size == 1 else concat(e, [x] * (wanted // size), axis)
    return x


@RULES(ops.Slice)
def slice_(e: Emitter, node: Node[ops.Slice]) -> Blob:
    x, counts = e.blob(node.inputs[0]), sizes(node.output)
    starts = [n for n in node.op.starts if isinstance(n, int)]
    if len(starts) != len(node.op.starts):
        raise UnsupportedCase("a slice at a computed place", hint="give the input a fixed shape")
    axes = list(zip(starts, counts, node.op.steps))
    if x.rank == 4 and _is_strided(x, axes):
        return _strided(e, x, axes)
    for axis, (start, count, step) in enumerate(axes):
        if count == x.shape[axis]:
            if step < 0:
                x = select(e, x, axis, range(count - 1, -1, -1))
        elif abs(step) == 1 or count == 1:
            x = _run(e, node, x, axis, (start, count, step))
        else:
            x = select(e, x, axis, range(start, start + count * step, step))
    return x


def _run(e: Emitter, node: Node[ops.Slice], x: Blob, axis: int, span: tuple[int, int, int]) -> Blob:
    """Return neighbours along an axis; cuts of the same blob that do not overlap share a layer."""
    start, count, step = span
    if step < 0 and count > 1:
        return select(e, x, axis, range(start, start - count, -1))
    points = _shared_points(node, x, axis)
    if not points or not e.dialect.has("Silence"):
        return cut(e, x, axis, start, count)
    parts = cut_all(e, x, axis, points)
    return parts[[0, *points].index(start)]


def _shared_points(node: Node[ops.Slice], x: Blob, axis: int) -> list[int]:
    """Return where all slices of the same value cut it, if only along `axis` and disjointly."""
    whole = node.inputs[0].type.shape
    if x.shape != whole:
        return []
    spans = set()
    for user in node.inputs[0].users:
        if not isinstance(user.op, ops.Slice):
            continue
        start, size = user.op.starts[axis], user.op.sizes[axis]
        others = [i for i, n in enumerate(user.op.sizes) if n != whole[i] and i != axis]
        alone = size == 1 or user.op.steps[axis] == 1
        if others or not alone or not isinstance(start, int) or not isinstance(size, int):
            return []
        spans.add((start, start + size))
    ordered = sorted(spans)
    if any(end > start for (_, end), (start, _) in itertools.pairwise(ordered)):
        return []
    return sorted({p for span in spans for p in span if 0 < p < x.shape[axis]})


def _is_strided(x: Blob, axes: list[tuple[int, int, int]]) -> bool:
    """Whether a convolution of stride `step` reads just these places of an image."""
    whole = all(count == size for (_, count, _), size in zip(axes[:2], x.shape[:2]))
    forward = all(step == 1 for _, _, step in axes[:2]) and all(s > 0 for _, _, s in axes[2:])
    fits = all(start < step or (step == 1 and start == 0) for (start, _, step) in axes[2:])
    exact = all(
        (size - start - 1) // step + 1 == count for (start, count, step), size in zip(axes, x.shape)
    )
    return whole and forward and fits and exact and any(step > 1 for _, _, step in axes[2:])


def _strided(e: Emitter, x: Blob, axes: list[tuple[int, int, int]]) -> Blob:
    kernel = np.zeros([start + 1 for start, _, _ in axes[2:]], np.float32)
    kernel[-1, -1] = 1
    return depthwise(e, x, kernel, stride=[step for _, _, step in axes[2:]])


@RULES(ops.Pad)
def pad(e: Emitter, node: Node[ops.Pad]) -> Blob:
    op, x = node.op, e.blob(node.inputs[0])
    edges = dict(enumerate(op.pads))
    if x.rank == 4 and op.mode == "constant" and op.value == 0 and any(map(any, op.pads[2:])):
        around = [max(edges.pop(axis)) for axis in (2, 3)]
        y = depthwise(e, x, np.ones((1, 1), np.float32), pad=around)
        for axis, most in zip((2, 3), around):
            before, after = op.pads[axis]
            y = cut(e, y, axis, most - before, x.shape[axis] + before + after)
        x = y
    for axis, (before, after) in edges.items():
        if before or after:
            x = pad_axis(e, x, axis, before=before, after=after, mode=op.mode, value=op.value)
    return x


@RULES(ops.DepthToSpace)
def depth_to_space(e: Emitter, node: Node[ops.DepthToSpace]) -> Blob:
    x, r = e.blob(node.inputs[0]), node.op.size
    w = np.eye(r * r, dtype=np.float32).reshape(r * r, 1, r, r)
    channels = x.shape[1] // (r * r)
    return deconvolution(e, x, np.tile(w, (channels, 1, 1, 1)), stride=(r, r), groups=channels)

"""Pooling, exactly as many windows as the source has, in Caffe's ceil mode."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mgeconvert.backends.caffe.binary import times
from mgeconvert.backends.caffe.emitter import Blob, Emitter
from mgeconvert.backends.caffe.mixing import pad_axis
from mgeconvert.backends.caffe.moving import cut
from mgeconvert.backends.caffe.pieces import AVE, MAX, pooled_size, pooling, reshape
from mgeconvert.backends.caffe.rules.table import RULES
from mgeconvert.ir import Array, Node, ops

LOWEST = float(np.finfo(np.float32).min)


@dataclass(frozen=True)
class Axis:
    """One axis of the windows that are wanted: `count` of them, the first at -before."""

    size: int
    kernel: int
    stride: int
    before: int
    after: int
    count: int

    def place(self) -> tuple[int, int] | None:
        """Return Caffe's pad and how many of its windows to skip; None where none will do."""
        skip = 0
        while (pad := self.before + skip * self.stride) < self.kernel:
            made = pooled_size(self.size, self.kernel, self.stride, pad)
            if made >= skip + self.count:
                return pad, skip
            skip += 1
        return None

    def divisors(self, *, pads: tuple[int, int]) -> Array:
        """Return how many elements each window has, inside the image and `pads` around it."""
        first = np.arange(self.count) * self.stride - self.before
        low = np.maximum(first, -pads[0])
        return np.minimum(first + self.kernel, self.size + pads[1]) - low


@RULES(ops.MaxPool, ops.AvgPool)
def pool(e: Emitter, node: Node[ops.MaxPool] | Node[ops.AvgPool]) -> Blob:
    op, x = node.op, e.blob(node.inputs[0])
    if not op.kernel:
        return x
    counts = node.output.type.static or ()
    axes = [
        Axis(n, k, s, before, after, count)
        for n, k, s, (before, after), count in zip(
            x.shape[2:], op.kernel, op.stride, op.padding, counts[2:]
        )
    ]
    counted = isinstance(op, ops.AvgPool) and op.count_padding
    kind = AVE if isinstance(op, ops.AvgPool) else MAX
    shape = (*x.shape[:2], *(a.count for a in axes))
    while axes:  # two axes at a time: pooling is separable
        inner = axes[-2:]
        lead = len(axes) - len(inner)
        others = [a.size for a in axes[:lead]]
        image = (x.shape[0], int(np.prod([*x.shape[1:2], *others])), *(a.size for a in inner))
        if len(inner) == 1:
            after = int(np.prod(x.shape[3:]))
            image, inner = (*image[:3], after), [*inner, Axis(after, 1, 1, 0, 0, after)]
        y = _image(e, reshape(e, x, image), inner, kind, counted=counted)
        rest = x.shape[2 + len(axes) :]
        done = [a.count for a in axes[lead:]]
        x = reshape(e, y, (*x.shape[:2], *others, *done, *rest))
        axes = axes[:lead]
    return reshape(e, x, shape)


def _image(e: Emitter, x: Blob, axes: list[Axis], kind: int, *, counted: bool) -> Blob:
    """Pool an image (N, C, H, W) along both axes."""
    places = []
    for i, axis in enumerate(axes):
        reach = (axis.count - 1) * axis.stride + axis.kernel
        if not axis.before and reach <= axis.size:  # no window begins in what is left over
            x = cut(e, x, i + 2, 0, reach)
            axes[i] = axis = replace(axis, size=reach)
        place = axis.place()
        if place is None:  # explicit padding; zeros are right for means that are corrected below
            after = max(reach - axis.size - axis.before, 0)
            value = LOWEST if kind == MAX else 0.0
            x = pad_axis(e, x, i + 2, before=axis.before, after=after, mode="constant", value=value)
            place = (0, 0)
        places.append(place)
    if all(a.kernel == 1 and a.stride == 1 and p == (0, 0) for a, p in zip(axes, places)):
        return x
    y = pooling(
        e,
        x,
        kind,
        kernel=[a.kernel for a in axes],
        stride=[a.stride for a in axes],
        pad=[pad for pad, _ in places],
    )
    for i, (axis, (_, skip)) in enumerate(zip(axes, places), 2):
        y = cut(e, y, i, skip, axis.count)
    return y if kind == MAX else _corrected(e, y, x, axes, places, counted=counted)


def _corrected(
    e: Emitter,
    y: Blob,
    x: Blob,
    axes: list[Axis],
    places: list[tuple[int, int]],
    *,
    counted: bool,
) -> Blob:
    """Make means over Caffe's divisors, which count padding, means over the wanted ones."""
    used, wanted = [], []
    for axis, (pad, _), size in zip(axes, places, x.shape[2:]):
        explicit = size != axis.size
        used.append(
            np.full(axis.count, axis.kernel) if explicit else axis.divisors(pads=(pad, pad))
        )
        wanted.append(axis.divisors(pads=(axis.before, axis.after) if counted else (0, 0)))
    before, after = (np.multiply.outer(*parts) for parts in (used, wanted))
    if (before == after).all():
        return y
    return times(e, y, (before / after).astype(np.float32))

"""Undoing the blocked memory layouts that `optimize_for_inference` chooses for some devices."""

from __future__ import annotations

from dataclasses import dataclass, field

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.records import Array
from mgeconvert.ir import Value, ops
from mgeconvert.ir.builder import Builder
from mgeconvert.ir.dims import Dim


@dataclass(frozen=True)
class Layout:
    """Images as (N, C / block, block, H, W) with the axes in the order `perm`."""

    name: str
    block: int
    perm: tuple[int, ...]

    @property
    def inverse(self) -> tuple[int, ...]:
        return tuple(self.perm.index(i) for i in range(5))


NCHW44 = Layout("NCHW44", 4, (0, 1, 3, 4, 2))
NCHW88 = Layout("NCHW88", 8, (0, 1, 3, 4, 2))
NHWCD4 = Layout("NHWCD4", 4, (0, 3, 1, 4, 2))
LAYOUTS = {
    "NCHW44": NCHW44,
    "NCHW44_DOT": NCHW44,
    "NCHW88": NCHW88,
    "NHWCD4": NHWCD4,
}


@dataclass
class Packings:
    """The NCHW values behind blocked ones, as far as they have been met."""

    known: dict[Value, tuple[Value, Layout]] = field(default_factory=dict)

    def layout(self, *values: Value) -> Layout | None:
        """Return the layout of the first of `values` that is blocked."""
        return next((self.known[v][1] for v in values if v in self.known), None)

    def plain(self, c: Builder, x: Value, layout: Layout) -> Value:
        """Return the NCHW form of a blocked value; what is not of rank 5 stays."""
        if x in self.known:
            return self.known[x][0]
        if x.type.rank != 5:
            return x
        moved = c.transpose(x, layout.inverse)
        n, groups, block, *rest = moved.type.shape
        return c.reshape(moved, (n, groups * block, *rest))

    def pack(self, c: Builder, x: Value, layout: Layout) -> Value:
        """Return the blocked form of an NCHW value, filled up with channels of zeros."""
        n, channels, *rest = x.type.shape
        if not isinstance(channels, int):
            raise UnsupportedCase(f"{layout.name} of the symbolic channel count {channels}")
        missing = -channels % layout.block
        full = x
        if missing:
            pads = ((0, 0), (0, missing), *((0, 0),) * len(rest))
            full = c.emit(ops.Pad(pads=pads), x)
        shape = (n, (channels + missing) // layout.block, layout.block, *rest)
        packed = c.transpose(c.reshape(full, shape), layout.perm)
        self.known[packed] = (x, layout)
        return packed

    def reshaped(self, x: Value, shape: tuple[Dim, ...]) -> Value | None:
        """Return the NCHW value that a reshape gives where its input is one turned round."""
        source = _turned(x, (0, 1, 4, 2, 3))
        if source is None or source not in self.known:
            return None
        plain, layout = self.known[source]
        fits = layout.perm == NCHW44.perm and plain.type.shape == shape
        return plain if fits else None

    def shuffled(self, x: Value, result: Value, pattern: tuple[int, ...]) -> None:
        """Note a blocked value that the dump makes itself: a reshape, then a transposition."""
        node = x.producer
        if node is None or not isinstance(node.op, ops.Reshape) or pattern != NCHW44.perm:
            return
        source = node.inputs[0]
        if source.type.rank != 4 or x.type.rank != 5:
            return
        n, groups, block, h, w = x.type.shape
        layout = {4: NCHW44, 8: NCHW88}.get(block if isinstance(block, int) else 0)
        if layout and source.type.shape == (n, groups * block, h, w):
            self.known[result] = (source, layout)


def _turned(x: Value, perm: tuple[int, ...]) -> Value | None:
    node = x.producer
    if node is None or not isinstance(node.op, ops.Transpose) or node.op.perm != perm:
        return None
    return node.inputs[0]


def plain_filters(w: Array, layout: Layout, *, grouped: bool, channels: int) -> Array:
    """Return blocked filters as (O, I, h, w), or (groups, O, I, h, w) where they are grouped.

    `channels` is the number of input channels of the image; a first layer has filled-up ones.
    """
    if layout is NHWCD4:
        return _image_filters(w, grouped, channels)
    b = layout.block
    if grouped and w.ndim == 6:  # depthwise: (G / b, 1, 1, h, w, b)
        return w.transpose(0, 5, 1, 2, 3, 4).reshape(-1, 1, 1, *w.shape[3:5])
    if grouped:  # (G, O / b, I / b, h, w, b, b)
        turned = w.transpose(0, 1, 6, 2, 5, 3, 4)
        return turned.reshape(w.shape[0], w.shape[1] * b, w.shape[2] * b, *w.shape[3:5])
    if w.ndim == 5:  # an NCHW image: (O / b, h, w, I, b)
        return w.transpose(0, 4, 3, 1, 2).reshape(-1, w.shape[3], *w.shape[1:3])
    turned = w.transpose(0, 5, 1, 4, 2, 3)
    return turned.reshape(w.shape[0] * b, w.shape[1] * b, *w.shape[2:4])


def _image_filters(w: Array, grouped: bool, channels: int) -> Array:
    if grouped and w.ndim == 5:  # depthwise: (G / 4, 1, h, w, 4)
        return w.transpose(0, 4, 1, 2, 3).reshape(-1, 1, 1, *w.shape[2:4])
    if grouped:  # (G, O / 4, h, w, I, 4)
        turned = w.transpose(0, 1, 5, 4, 2, 3)
        return turned.reshape(w.shape[0], -1, w.shape[4], *w.shape[2:4])
    turned = w.transpose(0, 4, 3, 1, 2)  # (O / 4, h, w, I, 4)
    return turned.reshape(-1, w.shape[3], *w.shape[1:3])[:, :channels]

"""Undoing the blocked memory layouts that `optimize_for_inference` chooses for some devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.mge.records import MgeOperator
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
NCHW4 = replace(NCHW44, name="NCHW4")
NCHW32 = Layout("NCHW32", 32, NCHW44.perm)
NCHW64 = Layout("NCHW64", 64, NCHW44.perm)
CHWN4 = Layout("CHWN4", 4, (1, 3, 4, 0, 2))
LAYOUTS = {
    "NCHW44_DOT": replace(NCHW44, name="NCHW44_DOT"),
    **{each.name: each for each in (NCHW4, NCHW44, NCHW88, NCHW32, NCHW64, CHWN4, NHWCD4)},
}
BY_SHUFFLE = {(each.block, each.perm): each for each in (NCHW4, NCHW88, NCHW32, NCHW64, CHWN4)}
"""What a dump makes itself, by a reshape and a transposition."""
OF_IMAGES = frozenset(
    {
        *("AdaptivePooling", "BatchNorm", "CorrelationForward", "DeformableConvForward"),
        *("GroupLocal", "GroupNorm", "Images2Neibs", "InstanceNorm", "LRN", "Local", "Pooling"),
        *("ROIAlign", "ROIPooling", "RegionRestrictedConvolution", "Remap", "Resize"),
        *("WarpAffine", "WarpPerspective"),
    }
)
"""Operators on images of four axes: of five MegEngine stops, or computes what nobody meant."""


@dataclass
class Packings:
    """The NCHW values behind blocked ones, as far as they have been met."""

    known: dict[Value, tuple[Value, Layout]] = field(default_factory=dict)

    def need_put_back(self, operator: MgeOperator, inputs: Sequence[Value]) -> None:
        """Raise UnsupportedCase where an operator on plain images is handed a blocked one.

        MegEngine 1.13 dumps that where `optimize_for_inference` does not know the operator.
        """
        layout = self.layout(*inputs)
        if layout is None or operator.type not in OF_IMAGES:
            return
        if operator.params.get("format") not in LAYOUTS:
            raise UnsupportedCase(
                f"an image in the memory layout {layout.name}, which the dump does not put back "
                "for this operator: MegEngine cannot compute with it either",
                hint="dump without this option of optimize_for_inference",
            )

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
        if node is None or not isinstance(node.op, ops.Reshape):
            return
        source = node.inputs[0]
        if source.type.rank != 4 or x.type.rank != 5:
            return
        n, groups, block, h, w = x.type.shape
        layout = BY_SHUFFLE.get((block if isinstance(block, int) else 0, pattern))
        if layout and source.type.shape == (n, groups * block, h, w):
            self.known[result] = (source, layout)


def _turned(x: Value, perm: tuple[int, ...]) -> Value | None:
    node = x.producer
    if node is None or not isinstance(node.op, ops.Transpose) or node.op.perm != perm:
        return None
    return node.inputs[0]

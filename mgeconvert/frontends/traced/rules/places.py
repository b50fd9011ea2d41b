"""What an index expression addresses, by numpy's rules, which are MegEngine's too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mgeconvert.errors import ShapeError, UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.records import Tensor
from mgeconvert.ir import Array, DType, Value, ops
from mgeconvert.ir.contents import dims_of
from mgeconvert.ir.dims import Dim, Shape
from mgeconvert.ir.masks import true_places
from mgeconvert.ir.ops.infer import broadcast

Span = tuple[Dim | None, Dim | None, int]


@dataclass(frozen=True)
class Places:
    """An index: a slice, a number or an integer tensor for each axis, and where axes are added.

    `order` has the axes as they come, with None for each added one.
    """

    items: tuple[slice | Dim | Value, ...]
    order: tuple[int | None, ...]

    @property
    def sliced(self) -> tuple[int, ...]:
        """The axes that stay."""
        return tuple(a for a, item in enumerate(self.items) if isinstance(item, slice))

    @property
    def numbered(self) -> tuple[int, ...]:
        """The axes that a number takes out."""
        kept = (slice, Value)
        return tuple(a for a, item in enumerate(self.items) if not isinstance(item, kept))

    @property
    def gathered(self) -> tuple[int, ...]:
        """The axes that tensors address."""
        return tuple(a for a, item in enumerate(self.items) if isinstance(item, Value))

    @property
    def tensors(self) -> tuple[Value, ...]:
        """The tensors of the gathered axes."""
        return tuple(item for item in self.items if isinstance(item, Value))

    @property
    def grid(self) -> Shape:
        """The shape that the index tensors have together."""
        return broadcast([t.type.shape for t in self.tensors])

    @property
    def layout(self) -> tuple[int | str | None, ...]:
        """The axes of the result: those that stay, None for added ones, "grid" for the tensors'.

        The grid comes where the tensors and numbers are, or first if something is between them.
        """
        taken = {*self.gathered, *self.numbered}
        kept = [axis for axis in self.order if axis not in taken]
        if not self.gathered:
            return tuple(kept)
        spots = [i for i, axis in enumerate(self.order) if axis in taken]
        together = spots[-1] - spots[0] + 1 == len(spots)
        at = spots[0] if together else 0
        return (*kept[:at], "grid", *kept[at:])


def places(c: Call, x: Value, index: Any) -> Places:
    """Return what `index` addresses in x; Ellipsis and masks are resolved."""
    given = list(index) if isinstance(index, tuple) else [index]
    items = [item for entry in given for item in _items(c, entry)]
    used = sum(item is not None and item is not Ellipsis for item in items)
    rank = x.type.rank
    if used > rank:
        raise ShapeError(f"{used} indices for a tensor of rank {rank}")
    spots = [i for i, item in enumerate(items) if item is Ellipsis]
    if len(spots) > 1:
        raise ShapeError("an index has more than one Ellipsis")
    at = spots[0] if spots else len(items)
    filled = [*items[:at], *[slice(None)] * (rank - used), *items[at + 1 :]]
    order: list[int | None] = []
    found: list[Any] = []
    for item in filled:
        order.append(None if item is None else len(found))
        if item is not None:
            size = x.type.shape[len(found)]
            found.append(_inside(c, item, size) if isinstance(item, Value) else item)
    return Places(tuple(found), tuple(order))


def span(c: Call, item: slice) -> Span:
    """Return start, stop and step of a slice, which may hold tensors, as dimensions."""
    start, stop = (None if part is None else c.dim(part) for part in (item.start, item.stop))
    return start, stop, 1 if item.step is None else c.numbers(item.step)[0]


def shared_grid(c: Call, tensors: Sequence[Value], grid: Shape) -> Value:
    """Return int32 index tensors broadcast to `grid` and side by side along a new last axis."""
    columns = [c.unsqueeze(c.expand(t, grid), [len(grid)]) for t in tensors]
    return columns[0] if len(columns) == 1 else c.emit(ops.Concat(axis=len(grid)), *columns)


def _items(c: Call, entry: Any) -> Sequence[Any]:
    """Return what one entry of an index stands for: a mask has an item for each of its axes."""
    if entry is None or entry is Ellipsis or isinstance(entry, slice):
        return [entry]
    if isinstance(entry, (bool, float, str)):
        raise UnsupportedCase(f"the index {entry!r}", hint="use ints, slices, tensors or masks")
    if isinstance(entry, (int, np.integer)):
        return [int(entry)]
    if isinstance(entry, (list, tuple)) and not len(entry):
        entry = np.zeros(0, np.int32)
    if isinstance(entry, (list, tuple)):
        entry = _listed(c, entry)
    if not isinstance(entry, (Value, Tensor, np.ndarray)):
        raise UnsupportedCase(f"{type(entry).__name__} as an index")
    return _tensor_items(c, c.value(entry))


def _listed(c: Call, entry: Sequence[Any]) -> Any:
    """Return a list as an array, or as a tensor where it holds tensors."""
    if any(isinstance(item, Value) for item in entry):
        return c.dims(c.shape(entry))
    try:
        array = np.asarray(entry)
    except ValueError:
        array = np.asarray("ragged")
    if array.dtype.kind not in "biu":
        raise UnsupportedCase(f"the index {entry!r}", hint="use ints, slices, tensors or masks")
    return array if array.dtype == bool else array.astype(np.int32)


def _tensor_items(c: Call, tensor: Value) -> Sequence[Any]:
    dtype = tensor.type.dtype
    if dtype is DType.BOOL:
        if tensor.const is None:
            return _computed_places(c, tensor)
        return [c.constant(n.astype(np.int32)) for n in np.nonzero(tensor.const)]
    if not dtype.is_integer:
        raise ShapeError(f"{tensor} is no index: its element type must be an integer or bool")
    dims = dims_of(tensor) if tensor.type.rank == 0 else None
    return [tensor if dims is None else dims[0]]


def _inside(c: Call, tensor: Value, size: Dim) -> Value:
    """Return an index tensor as int32; constant ones are checked and counted from the front."""
    if tensor.const is None or not isinstance(size, int):
        return c.cast(tensor, DType.I32)
    array = tensor.const.astype(np.int64)
    if array.size and not (-size <= array.min() and array.max() < size):
        raise ShapeError(f"an index is outside the {size} elements of its axis")
    fitting: Array = np.where(array < 0, array + size, array).astype(np.int32)
    unchanged = tensor.type.dtype is DType.I32 and not bool((array < 0).any())
    return tensor if unchanged else c.constant(fitting)


def _computed_places(c: Call, mask: Value) -> Sequence[Value]:
    """Return the places of a computed mask, axis by axis."""
    sizes = [d for d in mask.type.shape if isinstance(d, int)]
    if len(sizes) < mask.type.rank and mask.type.rank > 1:
        raise UnsupportedCase(f"a computed mask {mask} of symbolic size as an index")
    flat = true_places(c, mask)
    if mask.type.rank == 1:
        return [flat]
    found = []
    for axis, size in enumerate(sizes):
        below = c.scalar(math.prod(sizes[axis + 1 :]), DType.I32)
        found.append(
            c.emit(ops.Mod(), c.emit(ops.FloorDiv(), flat, below), c.scalar(size, DType.I32))
        )
    return found

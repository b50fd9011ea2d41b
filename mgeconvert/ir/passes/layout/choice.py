"""Which of the nodes of a region should take their new form: a least cut; depends on the IR only.

Every tensor pays for each layout that is read but not made. Where a layout is read by some in their
new form and by others in their old one, the sum charges a little too much; it is exact where none
or all take the new form. So the least sum is never above what the graph costs now.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mgeconvert.ir.graph import Node
from mgeconvert.ir.passes.layout.flow import ENDLESS, Pipes
from mgeconvert.ir.passes.layout.network import End, Network, Taken, Tensor
from mgeconvert.ir.passes.layout.perms import Perm

Places = Mapping[Tensor, Sequence[End]]

SOURCE, DRAIN = 0, 1


@dataclass
class _Demand:
    """Who reads one layout: somebody always, nodes in their new form, nodes in their old one."""

    always: bool = False
    new: list[int] = field(default_factory=list)
    old: list[int] = field(default_factory=list)


def chosen(network: Network, region: Taken, places: Places) -> list[Node[Any]]:
    """Return the nodes of `region` that should take the form given there.

    `places` are the tensors that they make or read, with the ports at which they do.
    """
    pipes = Pipes()
    points = {node: pipes.point() for node in region}
    for tensor, ends in places.items():
        made = network.made(tensor), network.made(tensor, region)
        asked = _asked(network, tensor, ends, region, points)
        maker = None if tensor.maker is None else points.get(tensor.maker.node)
        by_order = _Sum(pipes, tensor.weight, maker)
        by_order.add(made, asked, key=tensor.order)
        exact = _Sum(pipes, tensor.small, maker)
        exact.add(made, asked, key=tuple)
    drained = pipes.cut()
    return [node for node, point in points.items() if drained[point]]


def _asked(
    network: Network,
    tensor: Tensor,
    ends: Sequence[End],
    region: Taken,
    points: Mapping[Node[Any], int],
) -> list[tuple[Perm, Perm, int]]:
    """Return the layouts that are read in the old form and in the new one, and by which point."""
    found: list[tuple[Perm, Perm, int]] = []
    others = tensor.layouts.copy()
    for end in ends:
        if end is not tensor.maker:
            old = network.layout(end)
            others[old] -= 1
            found.append((old, network.layout(end, region[end.node]), points[end.node]))
    return [(layout, layout, SOURCE) for layout, count in others.items() if count] + found


@dataclass
class _Sum:
    """Adds what one tensor pays to the network of pipes."""

    pipes: Pipes
    price: int
    maker: int | None

    def add(
        self, made: tuple[Perm, Perm], asked: list[tuple[Perm, Perm, int]], *, key: Any
    ) -> None:
        """Charge `price` for each layout, told apart by `key`, that is read but not made."""
        demands: dict[Hashable, _Demand] = {}
        for old, new, point in asked:
            a, b = key(old), key(new)
            if a == b:
                demands.setdefault(a, _Demand()).always = True
                continue
            demands.setdefault(a, _Demand()).old.append(point)
            demands.setdefault(b, _Demand()).new.append(point)
        old_key, new_key = map(key, made)
        for layout, demand in demands.items():
            if layout in (old_key, new_key):
                if old_key != new_key and self.maker is not None:
                    self._made_once(demand, self.maker, layout == new_key)
                continue
            if not demand.always:
                self._any_new(demand.new, SOURCE)
                self._any_old(demand.old, DRAIN)

    def _made_once(self, demand: _Demand, maker: int, new: bool) -> None:
        """The layout is made in one of the maker's forms only."""
        if new:
            if demand.always or demand.old:
                self.pipes.pipe(maker, DRAIN, self.price)
            else:
                self._any_new(demand.new, maker)
        elif demand.always or demand.new:
            self.pipes.pipe(SOURCE, maker, self.price)
        else:
            self._any_old(demand.old, maker)

    def _any_new(self, readers: list[int], maker: int) -> None:
        """Charge where the maker is old and any of the readers new."""
        if not readers:
            return
        gate = self.pipes.point()
        self.pipes.pipe(maker, gate, self.price)
        for reader in readers:
            self.pipes.pipe(gate, reader, ENDLESS)

    def _any_old(self, readers: list[int], maker: int) -> None:
        """Charge where the maker is new and any of the readers old."""
        if not readers:
            return
        gate = self.pipes.point()
        self.pipes.pipe(gate, maker, self.price)
        for reader in readers:
            self.pipes.pipe(reader, gate, ENDLESS)

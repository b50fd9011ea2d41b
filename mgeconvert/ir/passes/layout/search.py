"""Finding forms of the nodes that need less changes of layout; depends on the IR only.

Where a tensor is read in another layout than it is made, its maker or its readers might work on
the other one. That moves the change to their other tensors, whose makers and readers follow, until
nobody is left who can; of this region those take part that make the whole cheapest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from mgeconvert.ir.graph import Node
from mgeconvert.ir.passes.layout.choice import Places, chosen
from mgeconvert.ir.passes.layout.network import End, Form, Network, Taken, Tensor

VISITS = 8
"""How often a node of a large network may be part of a region: keeps the time linear."""

ALL_VISITS = 20_000
"""How often that is in small networks, divided by their nodes."""

MANY = 64
"""With more readers than that a tensor's readers don't follow one another: each starts itself."""

Start = tuple[Node[Any], Form]


def improve(network: Network) -> None:
    """Give nodes other forms wherever that costs less, until nothing more is found."""
    most = max(VISITS, ALL_VISITS // max(len(network.rules), 1))
    left = dict.fromkeys(network.rules, most)
    while _improve_once(network, left):
        pass


def _improve_once(network: Network, left: dict[Node[Any], int]) -> bool:
    """Go once through all tensors; `left` is how often each node may be looked at from now on."""
    better = False
    tried: set[Start] = set()
    for tensor in list(network.tensors.values()):
        for start in _starts(network, tensor):
            if start in tried or not left[start[0]]:
                continue
            region = _region(network, start, left)
            tried.update(region.items())
            if _take(network, region):
                better = True
                break
    return better


def _starts(network: Network, tensor: Tensor) -> Iterator[Start]:
    """Yield forms of the maker and the readers of a tensor that would agree better."""
    if not network.cost(tensor):
        return
    made = network.made(tensor)
    wanted = [layout for layout, count in tensor.layouts.items() if count]
    for end in tensor.readers:
        if network.layout(end) != made:
            form = network.form_for(end, made)
            if form is not None:
                yield end.node, form
    for layout in wanted:
        if layout != made and tensor.maker is not None:
            form = network.form_for(tensor.maker, layout)
            if form is not None:
                yield tensor.maker.node, form


def _region(network: Network, start: Start, left: dict[Node[Any], int]) -> dict[Node[Any], Form]:
    """Return the nodes that would follow, each with its new form."""
    region = dict([start])
    queue = deque(region)
    while queue:
        node = queue.popleft()
        left[node] -= 1
        for place in network.ends[node]:
            if place is None:
                continue
            tensor, end = place
            layout = network.layout(end, region[node])
            if layout == network.layout(end):
                continue
            for other in _neighbours(tensor):
                if other.node in region or not left[other.node]:
                    continue
                if network.layout(other) == layout:
                    continue
                form = network.form_for(other, layout)
                if form is not None:
                    region[other.node] = form
                    queue.append(other.node)
    return region


def _neighbours(tensor: Tensor) -> Iterator[End]:
    """Yield who might follow where the layout of a tensor changes at one of its ends."""
    if tensor.maker is not None:
        yield tensor.maker
    if len(tensor.readers) <= MANY:
        yield from tensor.readers


def _take(network: Network, region: Taken) -> bool:
    """Let those nodes take their new forms that make the whole cheaper, if any do."""
    places = _places(network, region)
    now = sum(map(network.cost, places))
    taken, after = region, _cost(network, region, places)
    if after:
        taken = {node: region[node] for node in chosen(network, region, places)}
        after = _cost(network, taken, {**dict.fromkeys(places, ()), **_places(network, taken)})
    if after >= now:
        return False
    network.take(taken)
    return True


def _places(network: Network, nodes: Iterable[Node[Any]]) -> dict[Tensor, list[End]]:
    """Return the tensors that the nodes make or read, with the ports at which they do."""
    places: dict[Tensor, list[End]] = {}
    for node in nodes:
        for place in network.ends[node]:
            if place is not None:
                places.setdefault(place[0], []).append(place[1])
    return places


def _cost(network: Network, taken: Taken, places: Places) -> int:
    return sum(network.cost(tensor, taken, ends) for tensor, ends in places.items())

"""Finding forms of the nodes that need less changes of layout; depends on the IR only.

Where a tensor is read in another layout than it is made, its maker or its readers might work on
the other one. That moves the change to their other tensors, whose makers and readers follow, until
nobody is left who can; of this region those take part that make the whole cheapest.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from typing import Any

from mgeconvert.ir.graph import Node
from mgeconvert.ir.passes.layout.choice import chosen
from mgeconvert.ir.passes.layout.network import End, Form, Network, Tensor

VISITS = 8  # how often a node of a network may be part of a region: keeps the time linear

Start = tuple[Node[Any], Form]


def improve(network: Network) -> None:
    """Give nodes other forms wherever that costs less, until nothing more is found."""
    visits: Counter[Node[Any]] = Counter()
    while _improve_once(network, visits):
        pass


def _improve_once(network: Network, visits: Counter[Node[Any]]) -> bool:
    better = False
    tried: set[Start] = set()
    for tensor in list(network.tensors.values()):
        for start in _starts(network, tensor):
            if start in tried or visits[start[0]] >= VISITS:
                continue
            region = _region(network, start, visits)
            tried.update(region.items())
            if _take(network, region):
                better = True
                break
    return better


def _starts(network: Network, tensor: Tensor) -> Iterator[Start]:
    """Yield forms of the maker and the readers of a tensor that would agree better."""
    if not network.cost(tensor, network.forms.get):
        return
    made = network.made(tensor, network.forms.get)
    wanted = dict.fromkeys([network.layout(end) for end in tensor.readers] + tensor.asked)
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


def _region(network: Network, start: Start, visits: Counter[Node[Any]]) -> dict[Node[Any], Form]:
    """Return the nodes that would follow, each with its new form."""
    region = dict([start])
    queue = deque(region)
    while queue:
        node = queue.popleft()
        visits[node] += 1
        for place in network.ends[node]:
            if place is None:
                continue
            tensor, end = place
            layout = network.layout(end, region[node])
            if layout == network.layout(end):
                continue
            for other in _neighbours(tensor):
                if other.node in region or visits[other.node] >= VISITS:
                    continue
                if network.layout(other) == layout:
                    continue
                form = network.form_for(other, layout)
                if form is not None:
                    region[other.node] = form
                    queue.append(other.node)
    return region


def _neighbours(tensor: Tensor) -> Iterator[End]:
    if tensor.maker is not None:
        yield tensor.maker
    yield from tensor.readers


def _take(network: Network, region: Mapping[Node[Any], Form]) -> bool:
    """Let those nodes take their new forms that make the whole cheaper, if any do."""
    touched = dict.fromkeys(
        place[0] for node in region for place in network.ends[node] if place is not None
    )
    now = sum(network.cost(t, network.forms.get) for t in touched)
    everybody: dict[Node[Any], Form] = {**region}
    after = _cost(network, touched, everybody)
    if after:
        nodes = chosen(network, region, touched)
        everybody = {node: region[node] for node in nodes}
        after = _cost(network, touched, everybody)
    if after >= now:
        return False
    network.forms.update(everybody)
    return True


def _cost(network: Network, tensors: Mapping[Tensor, Any], taken: Mapping[Node[Any], Form]) -> int:
    def form(node: Node[Any]) -> Form | None:
        return taken.get(node) or network.forms.get(node)

    return sum(network.cost(t, form) for t in tensors)

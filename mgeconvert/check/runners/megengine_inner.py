"""Tensors inside of what MegEngine has loaded; for MegEngine's own process."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

from mgeconvert.check.runners.protocol import Array, Arrays


class _Record(dict[Any, Any]):
    """Stands in for what a graph keeps of its watched nodes, to see every computation of one."""

    def __init__(self, keep: Callable[[Any, Any], None]) -> None:
        super().__init__()
        self._keep = keep

    def __setitem__(self, node: Any, value: Any) -> None:
        self._keep(node, value)


def watched(module: Any, tensors: Sequence[Any], names: Sequence[str]) -> dict[str, Array]:
    """Run a TracedModule on `tensors`; return the tensors called "ID:NAME#COUNT" in it."""
    wanted, counts = frozenset(names), dict[str, int]()
    found: dict[str, Array] = {}

    def keep(node: Any, value: Any) -> None:
        name = f"{node._id}:{node._name}"
        count = counts[name] = counts.get(name, -1) + 1
        if f"{name}#{count}" in wanted and hasattr(value, "numpy"):
            found[f"{name}#{count}"] = plain(value.numpy())

    asked = {name.rpartition("#")[0] for name in wanted}
    graphs: dict[Any, set[Any]] = {}
    for node in module.graph.nodes(True):
        if f"{node._id}:{node._name}" in asked:
            graphs.setdefault(node.top_graph, set()).add(node)
    before = {graph: (graph._watch_point, graph._rst) for graph in graphs}
    try:
        for graph, nodes in graphs.items():
            graph._watch_point, graph._rst = nodes, _Record(keep)
        module.graph.interpret(module, *tensors)
    finally:
        for graph, (points, results) in before.items():
            graph._watch_point, graph._rst = points, results
    return found


def computed(path: str, feeds: Arrays, names: Sequence[str]) -> dict[str, Array]:
    """Run the dump at `path`; return the outputs whose indices are `names`.

    It is loaded once more: of a graph that is compiled twice, only the second function runs.
    """
    from megengine import Tensor
    from megengine.core.tensor.megbrain_graph import OutputNode, load_graph
    from megengine.utils.comp_graph_tools import convert_inputs

    with open(path, "rb") as file:
        outputs = load_graph(io.BytesIO(file.read())).output_vars_list
    known = [name for name in names if int(name) < len(outputs)]
    if not known:
        return {}
    nodes, inputs = convert_inputs([outputs[int(name)] for name in known])
    results = [OutputNode(node) for node in nodes]
    function = nodes[0].graph.compile([result.outputs[0] for result in results])
    for name, node in inputs.items():
        node.set_value(Tensor(feeds[name], device=node.device)._dev_tensor())
    function.execute()
    function.wait()
    return {name: plain(node.get_value().numpy()) for name, node in zip(known, results)}


def plain(array: Array) -> Array:
    """Drop MegEngine's metadata of quantized types."""
    return array.astype(array.dtype.newbyteorder("=").str, copy=False)

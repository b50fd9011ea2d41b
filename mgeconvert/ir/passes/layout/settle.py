"""Moving transpositions through the graph until as few as possible are left."""

from __future__ import annotations

from mgeconvert.ir.graph import Graph
from mgeconvert.ir.passes.layout.network import Network
from mgeconvert.ir.passes.layout.rebuild import rebuild
from mgeconvert.ir.passes.layout.search import improve
from mgeconvert.ir.passes.pipeline import graph_pass


@graph_pass()
def settle_transposes(graph: Graph) -> bool:
    """Rewrite op(transpose(x)) to transpose(op'(x)), or back, where fewer elements are moved.

    Equal transpositions are merged, opposite ones cancel, those that only move axes of one element
    become reshapes. Weighted by its elements, less or as much is transposed as before, never more.
    """
    changed = False
    while True:
        network = Network(graph)
        while improve(network):
            pass
        if not rebuild(graph, network):
            return changed
        changed = True

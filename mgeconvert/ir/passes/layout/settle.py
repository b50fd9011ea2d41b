"""Moving transpositions through the graph until as few as possible are left."""

from __future__ import annotations

from mgeconvert.ir.graph import Graph
from mgeconvert.ir.ops import Reshape
from mgeconvert.ir.passes.cleanup import drop_dead
from mgeconvert.ir.passes.layout.network import Network, reshaped
from mgeconvert.ir.passes.layout.rebuild import rebuild
from mgeconvert.ir.passes.layout.search import improve
from mgeconvert.ir.passes.pipeline import graph_pass


@graph_pass()
def settle_transposes(graph: Graph) -> bool:
    """Rewrite op(transpose(x)) to transpose(op'(x)), or back, where fewer elements are moved.

    Equal transpositions are merged, opposite ones cancel, those that only move axes of one element
    become reshapes. Weighted by its elements, less or as much is transposed as before, never more.
    """
    changed = drop_dead.run(graph)  # what nobody uses must not keep anything in its layout
    changed = _join_reshapes(graph) or changed
    while True:
        network = Network(graph)
        improve(network)
        if not rebuild(graph, network):
            return changed
        _join_reshapes(graph)
        changed = True


def _join_reshapes(graph: Graph) -> bool:
    """Let a reshape read what was reshaped before: there are fewer groups to tear apart."""
    changed = False
    for node in graph:
        while isinstance(node.op, Reshape) and reshaped(node.inputs[0]):
            before = node.inputs[0].producer
            assert before is not None
            graph.set_inputs(node, before.inputs)
            if not before.output.is_used:
                graph.remove(before)
            changed = True
    return changed

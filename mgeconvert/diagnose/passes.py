"""The first pass that changes numbers, and the first tensor that it changes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mgeconvert.check.result import Comparison
from mgeconvert.check.runners.protocol import Arrays
from mgeconvert.diagnose.result import Difference, Section
from mgeconvert.diagnose.tensors import Fetch, Sweeper
from mgeconvert.diagnose.tolerance import Tolerance
from mgeconvert.errors import Location
from mgeconvert.ir import Array, Graph, Value, evaluate
from mgeconvert.ir.passes import Observer, round_constants

Lower = Callable[[Graph, Observer], object]
GOT, WANT = "after the pass", "before it"
ROUNDING = (round_constants.name,)


@dataclass
class PassWatch:
    """An observer that evaluates the graph after each pass, until the outputs change.

    A pass that leaves the structure as it is costs nothing, and one that is there to round numbers
    may change them. `culprit` is the index in `names` of the first that changes outputs, 0 for none
    (a pipeline begins with the name ""); `changed` are the outputs and how they differ.
    """

    feeds: Arrays
    tolerance: Tolerance
    names: list[str] = field(default_factory=list)
    culprit: int = 0
    changed: dict[str, Comparison] = field(default_factory=dict)
    _outputs: Mapping[str, Array] | None = None
    _structure: object = None

    def __call__(self, name: str, graph: Graph) -> None:
        self.names.append(name)
        structure = _structure(graph)
        if self.culprit or structure == self._structure:
            return
        self._structure = structure
        outputs = evaluate(graph, self.feeds)
        if self._outputs is None or name in ROUNDING:
            self._outputs = outputs
            return
        for port, want in self._outputs.items():
            found = self.tolerance.compare(port, outputs[port], want)
            if not found.ok and not self.tolerance.is_rounding(outputs[port], want):
                self.culprit = len(self.names) - 1
                self.changed[port] = found

    @property
    def name(self) -> str:
        """The pass that changes outputs, "" for none."""
        return self.names[self.culprit] if self.culprit else ""


def section(watch: PassWatch, read: Callable[[], Graph], lower: Lower) -> Section:
    """Return the verdict on the passes that `watch` has seen.

    `read` gives the graph once more, so that the graphs around the culprit can be compared.
    """
    names = watch.names[: watch.culprit] if watch.culprit else watch.names
    count = sum(map(bool, names))
    if not watch.culprit:
        return Section("passes", GOT, WANT, compared=count)
    found = first_changed(watch, read, lower) or _output(watch, read())
    return Section("passes", GOT, WANT, compared=count, culprit=watch.name, first=found)


def first_changed(watch: PassWatch, read: Callable[[], Graph], lower: Lower) -> Difference | None:
    """Return the first value that is another one after the culprit, of those with the same name."""
    before = stopped(read(), lower, watch.culprit - 1)
    after = stopped(read(), lower, watch.culprit)
    names = {v.name: v for n in before for v in n.outputs}
    taps = {
        v: (v.name,)
        for n in after
        for v in n.outputs
        if v.name in names and names[v.name].type == v.type
    }
    sweeper = Sweeper(taps, _values(before, watch.feeds), tolerance=watch.tolerance, wants="other")
    return sweeper.run(after, watch.feeds).first


class _Reached(Exception):
    """The graph is as it is wanted."""


def stopped(graph: Graph, lower: Lower, count: int) -> Graph:
    """Return the graph as it is after the first `count` passes."""
    left = [count]

    def observe(name: str, graph: Graph) -> None:
        if not left[0]:
            raise _Reached
        left[0] -= 1

    with contextlib.suppress(_Reached):
        lower(graph, observe)
    return graph


def _values(graph: Graph, feeds: Arrays) -> Fetch:
    """Return what evaluates the graph for the values that are asked for by name."""

    def fetch(names: Sequence[str]) -> Mapping[str, Array]:
        wanted, found = frozenset(names), dict[str, Array]()

        def observe(value: Value, array: Array) -> None:
            if value.name in wanted:
                found[value.name] = array

        evaluate(graph, feeds, observe)
        return found

    return fetch


def _output(watch: PassWatch, graph: Graph) -> Difference:
    """Return the first output that changed, where no inner value of a kept name did."""
    port, found = next(iter(watch.changed.items()))
    return Difference("output", port, port, Location("output", name=port), (), found)


def _structure(graph: Graph) -> object:
    """Return something that is equal for graphs that compute the same in the same way."""
    nodes = [(node.op, tuple(map(id, node.inputs)), tuple(map(id, node.outputs))) for node in graph]
    return nodes, [(port.name, id(port.value)) for port in graph.outputs]

"""The inputs on which a job is diagnosed: the first of a check's on which its outputs differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mgeconvert.check.inputs import Case, cases
from mgeconvert.check.request import CheckRequest
from mgeconvert.check.runners.protocol import Arrays, Port
from mgeconvert.check.source import Clock, GetRunner, Source
from mgeconvert.diagnose.targets import Target
from mgeconvert.diagnose.tensors import Tolerance, tolerance_of
from mgeconvert.ir import Graph, Value


@dataclass(frozen=True)
class Inputs:
    """Arrays by the names of the graph's inputs, and the name of the case that they are from."""

    case: str
    feeds: Arrays


def find_inputs(
    graph: Graph,
    request: CheckRequest,
    target: Target | None,
    *,
    case: str,
    runner: GetRunner,
    clock: Clock,
) -> Inputs:
    """Return the first inputs on which source and target differ, else the first of all.

    With `case` only the case of this name is looked at. Without a target nothing is compared.
    """
    source = Source(request, runner=runner, clock=clock)
    ports = tuple(_port(port.name, port.value) for port in graph.inputs)
    known = cases(ports, source.ports().inputs, request)
    chosen = [c for c in known if c.name == case] or list(known)
    if target is not None:
        for name, feeds in _differing(chosen, source, target, tolerance_of(request)):
            return Inputs(name, feeds)
    return Inputs(chosen[0].name, next(iter(chosen[0].batches())).feeds)


def _differing(
    chosen: list[Case], source: Source, target: Target, tolerance: Tolerance
) -> Iterator[tuple[str, Arrays]]:
    for case in chosen:
        for batch, wanted in zip(case.batches(), source.runs(case)):
            got = target.run(batch.feeds)
            pairs = zip(
                got.values(), wanted.values()
            )  # in the source's order, whatever their names
            if not all(tolerance.compare("", a, b).ok for a, b in pairs):
                yield case.name, batch.feeds


def _port(name: str, value: Value) -> Port:
    dims = tuple(d if isinstance(d, int) else str(d) for d in value.type.shape)
    return Port(name, value.type.dtype.value, dims)

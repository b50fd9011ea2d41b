"""The inputs on which a job is diagnosed: the first of a check's on which its outputs differ."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from mgeconvert.check.inputs import Case, cases
from mgeconvert.check.request import CheckRequest
from mgeconvert.check.runners.protocol import Arrays, Port
from mgeconvert.check.source import Clock, GetRunner, Source
from mgeconvert.diagnose.targets import Target
from mgeconvert.diagnose.tolerance import Tolerance, tolerance_of
from mgeconvert.errors import CheckFailed, ConvertError
from mgeconvert.ir import Graph, Value


@dataclass(frozen=True)
class Inputs:
    """Arrays by the names of the graph's inputs, and the name of the case that they are from.

    `rounding` is what the source kept of its quantization there; see `CheckRequest`.
    """

    case: str
    feeds: Arrays
    rounding: str


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

    With `case` only the case of this name is looked at. Without a target, or where the source does
    not run, nothing is compared.
    """
    source = Source(request, runner=runner, clock=clock)
    ports = tuple(_port(port.name, port.value) for port in graph.inputs)
    try:
        its = source.ports().inputs
    except ConvertError:  # the comparison with the source will tell
        its, target = ports, None
    known = cases(ports, its, request)
    chosen = [c for c in known if c.name == case] or list(known)
    with contextlib.suppress(CheckFailed):  # of a runtime, which is asked again later on
        for name, feeds in _differing(chosen, source, target, tolerance_of(request)):
            return Inputs(name, feeds, source.rounding)
    return Inputs(chosen[0].name, next(iter(chosen[0].batches())).feeds, source.rounding)


def _differing(
    chosen: list[Case], source: Source, target: Target | None, tolerance: Tolerance
) -> Iterator[tuple[str, Arrays]]:
    for case in chosen if target else ():
        assert target is not None
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

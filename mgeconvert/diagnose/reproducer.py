"""The smallest piece of a graph that shows what is wrong: found, saved, and run again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from mgeconvert.check.request import CheckRequest
from mgeconvert.check.source import Clock, GetRunner
from mgeconvert.diagnose import passes
from mgeconvert.diagnose.cut import Piece, pieces
from mgeconvert.diagnose.result import Diagnosis, Section
from mgeconvert.diagnose.run import INTERPRETER, Evidence, diagnose
from mgeconvert.diagnose.stored import Case, files, load_case
from mgeconvert.diagnose.subject import Subject
from mgeconvert.diagnose.targets import open_target, write
from mgeconvert.diagnose.tensors import difference
from mgeconvert.diagnose.tolerance import Tolerance, tolerance_of
from mgeconvert.errors import UnreadableSource
from mgeconvert.ir import Array, Graph, Value, evaluate
from mgeconvert.ir.text import parse

ALONE = "no piece of the graph shows the difference alone: the last one tried is saved"
UNREADABLE = "no reproducer: the graph has operators that its text cannot express"


def diagnose_and_save(
    subject: Subject, *, runner: GetRunner, folder: Path, wanted: bool
) -> tuple[Diagnosis, Mapping[str, bytes]]:
    """Diagnose the subject as `run.diagnose` does; return also the files of a reproducer.

    There are none where it is not `wanted` or nothing differs. It is the smallest piece, from the
    wrong operator on, that shows the difference; a note says where no piece does, or can be read.
    """
    found, evidence = diagnose(subject, runner=runner, folder=folder)
    if not wanted or found.first is None:
        return found, {}
    number = 0
    last: tuple[Piece, Case] | None = None
    for piece, case in _candidates(subject, evidence, found.first):
        place = folder / f"piece-{number}"
        place.mkdir()
        number, last = number + 1, (piece, case)
        if _differs(case, subject.check, runner=runner, folder=place):
            break
    else:
        found = replace(found, notes=(*found.notes, ALONE if last else UNREADABLE))
    return found, files(*last, subject, found) if last else {}


def replay(
    saved: Path, *, runner: GetRunner, folder: Path, seconds: float, memory: int
) -> Diagnosis:
    """Run the reproducer in the folder `saved` again, with the converter as it is now.

    Raises UnreadableSource where the folder is none.
    """
    settings, case = load_case(saved)
    request = _request(settings["format"], case.tolerance, seconds=seconds, memory=memory)
    section = _run(case, request, runner=runner, folder=folder)
    return Diagnosis(settings["model"], "reproducer", case.tolerance.asked(), (section,))


def _candidates(
    subject: Subject, evidence: Evidence, section: Section
) -> Iterator[tuple[Piece, Case]]:
    """Yield pieces for the stage that differs, the smallest first."""
    tolerance = tolerance_of(subject.check)
    found: Iterator[Piece]
    expected: Mapping[str, Array] = {}
    quantized = False
    if section.stage == "passes":
        found = _before_pass(subject, evidence, section)
    else:
        seen = evidence.frontend if section.stage == "frontend" else evidence.backend
        if seen is None or section.first is None:
            return
        graph, sweep = seen.graph, seen.sweep
        value = sweep.wrong or _named(graph, section.first.value)
        if value is None:
            return
        if section.stage == "frontend" and sweep.expected is not None:
            expected, quantized = {value.name: sweep.expected}, seen.quantized
        found = pieces(graph, value, seen.feeds, good=sweep.good, quantized=quantized)
    for piece in found:
        read = partial(parse, piece.text, piece.constants)
        if not _is_readable(read):
            return
        yield (
            piece,
            Case(section.stage, read, piece.inputs, expected, tolerance, quantized, subject.lower),
        )


def _is_readable(read: Callable[[], Graph]) -> bool:
    """Whether the text of a piece can be read back; not with operators that only a backend has."""
    try:
        read()
    except UnreadableSource:
        return False
    return True


def _before_pass(subject: Subject, evidence: Evidence, section: Section) -> Iterator[Piece]:
    watch = evidence.passes
    if watch is None:
        return
    graph = passes.stopped(subject.read(_unwatched), subject.lower, watch.culprit - 1)
    value = _named(graph, section.first.value) if section.first else None
    if value is not None:
        yield from pieces(graph, value, evidence.feeds)
    for port in graph.outputs:
        yield from pieces(graph, port.value, evidence.feeds)


def _unwatched(key: str, value: Value) -> None:
    """Look at nothing."""


def _named(graph: Graph, name: str) -> Value | None:
    return next((v for node in graph for v in node.outputs if v.name == name), None)


def _differs(case: Case, request: CheckRequest, *, runner: GetRunner, folder: Path) -> bool:
    """Whether the piece shows what the model does; one that fails otherwise does not."""
    try:
        return _run(case, request, runner=runner, folder=folder).differs
    except Exception:  # what is wrong may not be up to a piece, and fail in any way
        return False


def _run(case: Case, request: CheckRequest, *, runner: GetRunner, folder: Path) -> Section:
    if case.stage == "passes":
        watch = passes.PassWatch(case.inputs, case.tolerance)
        case.lower(case.read(), watch)
        return passes.section(watch, case.read, case.lower)
    graph = case.read()
    if case.stage == "frontend":
        got = evaluate(graph, case.inputs, quantized=case.quantized)
        return _section(case, "frontend", INTERPRETER, "the source", graph, got, case.expected)
    artifact = case.lower(graph, _ignore)
    clock = Clock(request.seconds)
    target = open_target(write(artifact, folder), request, runner=runner, clock=clock)
    want = evaluate(case.read(), case.inputs)
    got = dict(zip(want, target.run(case.inputs).values()))  # the runtime undoes the layouts
    return _section(case, "backend", target.runtime, INTERPRETER, graph, got, want)


def _section(
    case: Case,
    stage: Any,
    mine: str,
    its: str,
    graph: Graph,
    got: Mapping[str, Array],
    want: Mapping[str, Array],
) -> Section:
    for port in graph.outputs:
        slack = float(max(port.value.quant.scale)) if port.value.quant else 0.0
        found = case.tolerance.compare(port.name, got[port.name], want[port.name], slack=slack)
        if not found.ok:
            first = difference(port.value, port.name, found)
            return Section(stage, mine, its, first=first)
    return Section(stage, mine, its, compared=len(graph.outputs))


def _request(format: str, tolerance: Tolerance, *, seconds: float, memory: int) -> CheckRequest:
    return CheckRequest(
        model="",
        artifact="",
        format=format,
        source="",
        source_format="",
        source_sha256="",
        rtol=tolerance.rtol,
        atol=tolerance.atol,
        rtol_max=tolerance.rtol_max,
        seconds=seconds,
        memory=memory,
    )


def _ignore(name: str, graph: Graph) -> None:
    """Watch nothing."""

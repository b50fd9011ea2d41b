"""The three comparisons of a diagnosis: source and IR, each pass, lowered IR and artifact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from mgeconvert.backends import Artifact
from mgeconvert.check.request import CheckRequest
from mgeconvert.check.runners.protocol import Arrays
from mgeconvert.check.runtimes import runtimes
from mgeconvert.check.source import Clock, GetRunner
from mgeconvert.diagnose import passes
from mgeconvert.diagnose.feeds import find_inputs
from mgeconvert.diagnose.passes import PassWatch
from mgeconvert.diagnose.result import Diagnosis, Section, Stage
from mgeconvert.diagnose.sources import NOTHING, Watched, source_tensors
from mgeconvert.diagnose.subject import Subject
from mgeconvert.diagnose.targets import Target, open_target, taps, write
from mgeconvert.diagnose.tensors import Sweep, Sweeper, difference
from mgeconvert.diagnose.tolerance import tolerance_of
from mgeconvert.errors import ConversionFailed, ConvertError
from mgeconvert.frontends import unwatched
from mgeconvert.ir import Graph, evaluate

INTERPRETER = "the interpreter"
RANDOM = "random"  # how the names of cases with random inputs begin


@dataclass(frozen=True)
class Seen:
    """A graph, the inputs that it was evaluated on, and what came of the comparison.

    `quantized` says whether it was evaluated with the rounding of its values.
    """

    graph: Graph
    feeds: Arrays
    sweep: Sweep
    quantized: bool = False


@dataclass(frozen=True)
class Evidence:
    """What a diagnosis has seen, for the reproducer; None for the stages that were not reached."""

    feeds: Arrays
    frontend: Seen | None
    passes: PassWatch | None
    backend: Seen | None


class Diagnostician:
    """One diagnosis; the folder takes files that the runtimes need, and is the caller's."""

    def __init__(self, subject: Subject, *, runner: GetRunner, folder: Path) -> None:
        self.subject, self._runner, self._folder = subject, runner, folder
        self._clock = Clock(subject.check.seconds)
        self.tolerance = tolerance_of(subject.check)
        self._rounded = tolerance_of(subject.check, quantized=True)
        self.evidence = Evidence({}, None, None, None)

    def run(self) -> Diagnosis:
        """Make all three comparisons, whatever comes of each.

        Raises ConversionFailed or ConvertError where there is no graph or no input to look at.
        """
        check = self.subject.check
        watched = Watched()
        graph = self.subject.read(watched.watch)
        artifact, problem = self._artifact()
        target = self._target(artifact)
        found = find_inputs(
            graph,
            check,
            target if isinstance(target, Target) else None,
            case=self.subject.case,
            runner=self._runner,
            clock=self._clock,
        )
        self.evidence = Evidence(found.feeds, None, None, None)
        asked = replace(check, rounding=found.rounding)
        sections = (
            _guarded(lambda: self._frontend(graph, watched, asked), "frontend"),
            _guarded(self._passes, "passes"),
            self._backend(artifact, problem, target),
        )
        notes = self._notes(artifact)
        asked_of = self.tolerance.asked()
        saturated = self._saturated() if found.case.startswith(RANDOM) else ""
        return Diagnosis(check.model, found.case, asked_of, sections, notes, saturated)

    def _saturated(self) -> str:
        """Say how the inputs show that they do not suit the model, "" where they do."""
        seen = (self.evidence.frontend, self.evidence.backend)
        return next((s.sweep.saturated for s in seen if s and s.sweep.saturated), "")

    def _artifact(self) -> tuple[tuple[Graph, Artifact, Path] | None, str]:
        """Return the lowered graph, what the backend makes of it, and where that is written."""
        graph = self.subject.read(unwatched)
        try:
            artifact = self.subject.lower(graph, _ignore)
            folder = self._folder / "artifact"
            folder.mkdir()
            return (graph, artifact, write(artifact, folder)), ""
        except (ConvertError, ConversionFailed) as error:
            return None, str(error)
        except Exception as error:  # a wrong rule can fail in any way
            return None, f"{type(error).__name__}: {error}"

    def _target(self, made: tuple[Graph, Artifact, Path] | None) -> Target | str:
        """Return the artifact in its runtime, or why it is not there."""
        path = self.subject.check.artifact or (str(made[2]) if made else "")
        if not path:
            return "there is no artifact"
        try:
            return open_target(
                Path(path), self.subject.check, runner=self._runner, clock=self._clock
            )
        except ConvertError as error:
            return str(error)

    def _frontend(self, graph: Graph, watched: Watched, check: CheckRequest) -> Section:
        """Compare what the source's runtime and the interpreter compute, rounded or not."""
        found = watched.taps(graph)
        keys = [key for known in found.values() for key in known]
        fetch = source_tensors(
            check,
            self.evidence.feeds,
            keys,
            runner=self._runner,
            clock=self._clock,
            folder=self._folder,
        )
        values = [v for node in graph for v in node.outputs]
        rounded = any(v.quant for v in (*values, *(p.value for p in graph.inputs)))
        if check.source_format == "traced" and check.rounding == NOTHING:
            rounded = False
        sweeper = Sweeper(
            found,
            fetch,
            tolerance=self._rounded if rounded else self.tolerance,
            wants="other",
            failed=bool(self.subject.case),
        )
        sweep = sweeper.run(graph, self.evidence.feeds, quantized=rounded)
        seen = Seen(graph, self.evidence.feeds, sweep, rounded)
        self.evidence = replace(self.evidence, frontend=seen)
        theirs = runtimes(check.source_format)[0].name
        return _section("frontend", INTERPRETER, theirs, sweep)

    def _passes(self) -> Section:
        """Evaluate after each pass."""
        subject = self.subject
        watch = PassWatch(self.evidence.feeds, self.tolerance)
        try:
            subject.lower(subject.read(unwatched), watch)
        except (ConvertError, ConversionFailed):
            if not watch.names:
                raise
        self.evidence = replace(self.evidence, passes=watch)
        return passes.section(watch, lambda: subject.read(unwatched), subject.lower)

    def _backend(
        self,
        made: tuple[Graph, Artifact, Path] | None,
        problem: str,
        target: Target | str,
    ) -> Section:
        """Compare what the interpreter and the target's runtime compute."""
        if isinstance(target, str) or made is None:
            text = target if isinstance(target, str) else problem
            return Section("backend", "the artifact", INTERPRETER, problem=problem or text)
        graph, artifact, _ = made
        return _guarded(lambda: self._lowered(graph, artifact, target), "backend")

    def _lowered(self, graph: Graph, artifact: Artifact, target: Target) -> Section:
        feeds = self.evidence.feeds
        fetch = target.tensors(feeds)
        sweeper = Sweeper(
            taps(graph, artifact),
            fetch,
            tolerance=self._rounded if self._quantizes else self.tolerance,
            wants="graph",
            failed=bool(self.subject.case),
        )
        mine = _laid_out(feeds, artifact)
        sweep = sweeper.run(graph, mine)
        self.evidence = replace(self.evidence, backend=Seen(graph, mine, sweep))
        found = _section("backend", target.runtime, INTERPRETER, sweep)
        return found if found.differs else self._whole(graph, artifact, target, found)

    @property
    def _quantizes(self) -> bool:
        """Whether the target computes in whole numbers."""
        return bool(getattr(self.subject.options, "quantize", False))

    def _whole(self, graph: Graph, artifact: Artifact, target: Target, found: Section) -> Section:
        """Compare the outputs of the artifact as it is: looking inside may change what runs."""
        want = evaluate(graph, _laid_out(self.evidence.feeds, artifact))
        got = target.run(self.evidence.feeds)
        for port, array in zip(graph.outputs, got.values()):
            mine = array.transpose(artifact.layouts.get(port.name, range(array.ndim)))
            compared = self.tolerance.compare(port.name, mine, want[port.name])
            slight = self._rounded.is_rounding(mine, want[port.name])
            if not compared.ok and not (slight and self._quantizes):
                note = (
                    "only where no tensor inside is looked at: by the runtime's own optimizations"
                )
                first = difference(port.value, port.name, compared)
                return replace(found, first=first, note=note, slight=slight)
        return found

    def _notes(self, made: tuple[Graph, Artifact, Path] | None) -> tuple[str, ...]:
        given = self.subject.check.artifact
        if not given or made is None:
            return ()
        folder = Path(given).parent
        other = [
            name
            for name in made[1].files
            if not (folder / name).exists()
            or (folder / name).read_bytes() != (made[2].parent / name).read_bytes()
        ]
        if not other:
            return ()
        return (f"a conversion now makes other files than those looked at: {', '.join(other)}",)


def diagnose(subject: Subject, *, runner: GetRunner, folder: Path) -> tuple[Diagnosis, Evidence]:
    """Return which tensor of the subject is the first wrong one, in which stage, and what was seen.

    runner: gives the runtimes' processes, as `check.session.Session.runner` does
    folder: an empty folder for files on the way

    Raises ConversionFailed or ConvertError where the source cannot be read or run at all.
    """
    work = Diagnostician(subject, runner=runner, folder=folder)
    return work.run(), work.evidence


def _laid_out(feeds: Arrays, artifact: Artifact) -> Arrays:
    """Return the inputs as the ports of the lowered graph take them."""
    return {
        name: array.transpose(artifact.layouts.get(name, range(array.ndim)))
        for name, array in feeds.items()
    }


def _section(stage: Stage, got: str, want: str, sweep: Sweep) -> Section:
    return Section(
        stage,
        got,
        want,
        compared=sweep.compared,
        unmatched=sweep.unmatched,
        first=sweep.first,
        slight=sweep.only_slight,
        note=_rounding(sweep),
    )


def _rounding(sweep: Sweep) -> str:
    if sweep.only_slight:
        return "all differences are of the size of rounding"
    return f"of the size of rounding: {sweep.slight}" if sweep.slight else ""


def _guarded(work: Callable[[], Section], stage: Stage) -> Section:
    """Return the section; a problem in one says nothing of the others."""
    names: dict[Stage, tuple[str, str]] = {
        "frontend": (INTERPRETER, "the source"),
        "passes": (passes.GOT, passes.WANT),
        "backend": ("the artifact", INTERPRETER),
    }
    try:
        return work()
    except (ConvertError, ConversionFailed) as error:
        problem = str(error)
    except Exception as error:  # a wrong rule can make an operator fail in any way
        problem = f"{type(error).__name__}: {error}"
    return Section(stage, *names[stage], problem=problem)


def _ignore(name: str, graph: Graph) -> None:
    """Watch nothing."""

"""One check from its request to its result: two runtimes, the same inputs, one comparison."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from mgeconvert.check import references
from mgeconvert.check.classes import Classes
from mgeconvert.check.compare import Tally
from mgeconvert.check.inputs import Case, cases, digest
from mgeconvert.check.ports import contradiction, port_problems
from mgeconvert.check.references import References, Run
from mgeconvert.check.request import CheckRequest
from mgeconvert.check.result import CaseResult, CheckResult
from mgeconvert.check.runners import protocol
from mgeconvert.check.runners.protocol import Description, Runner
from mgeconvert.check.runtimes import RuntimeInfo, runtimes
from mgeconvert.check.samples import read_labels
from mgeconvert.errors import ConvertError, LimitExceeded, UnsupportedCase

Side = Literal["artifact", "source"]
RUNNERS = Path(protocol.__file__).parent


class GetRunner(Protocol):
    """How a check gets the runner of a module, limited to `memory` bytes."""

    def __call__(self, module: str, *, memory: int, side: Side) -> Runner: ...


@dataclass(frozen=True)
class Opened:
    """The artifact in the runtime that runs it."""

    info: RuntimeInfo
    runner: Runner
    ports: Description


class Clock:
    """The time that a check has left, and where it went."""

    def __init__(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds
        self.spent: dict[str, float] = {}

    def left(self) -> float:
        """Return the seconds that are left; raises LimitExceeded when none are."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            hint = "raise limits.time of this model"
            raise LimitExceeded("the check ran into its time limit", hint=hint)
        return left

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the time inside as spent on the part `name`."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.spent[name] = self.spent.get(name, 0.0) + time.monotonic() - start


class Source:
    """The source, asked of its runtime only where the references do not know."""

    def __init__(self, request: CheckRequest, *, runner: GetRunner, clock: Clock) -> None:
        self.request, self.clock = request, clock
        self.info = runtimes(request.source_format)[0]
        self.cached = True
        self._get_runner = runner
        self._runner: Runner | None = None
        self._references = References(request.cache)
        files = [RUNNERS / "server.py", RUNNERS / f"{self.info.module}.py"]
        self._key = {
            "source": request.source_sha256,
            "format": request.source_format,
            "outputs": request.outputs,
            "versions": self.info.versions(),
            "code": references.fingerprint(files),
        }

    def ports(self) -> Description:
        """Return the source's inputs and outputs."""
        name = references.key(self._key)
        known = self._references.description(name)
        if known is None:
            known = self._open()[1]
            self._references.keep_description(name, known)
        return known

    def runs(self, case: Case) -> list[Run]:
        """Return the source's outputs for each batch of a case."""
        feeds = [digest(batch) for batch in case.batches()]
        name = references.key({**self._key, "feeds": feeds})
        known = self._references.runs(name)
        if known is not None:
            return known
        runner = self._runner or self._open()[0]
        self.cached = False
        with self.clock.part("source"):
            runs: list[Run] = [
                runner.run(b.feeds, seconds=self.clock.left()) for b in case.batches()
            ]
        self._references.keep_runs(name, runs)
        return runs

    def _open(self) -> tuple[Runner, Description]:
        request = self.request
        self.cached = False
        self._runner = self._get_runner(self.info.module, memory=request.memory, side="source")
        with self.clock.part("source"):
            ports = self._runner.open(
                request.source,
                format=request.source_format,
                outputs=request.outputs,
                seconds=self.clock.left(),
            )
        return self._runner, ports


class Check:
    """One check; see `session.Session.verify` for what it returns and raises."""

    def __init__(self, request: CheckRequest, *, runner: GetRunner) -> None:
        self.request, self._get_runner = request, runner
        self.clock = Clock(request.seconds)

    def run(self) -> CheckResult:
        """Open both, compare their ports, then their numbers, case by case."""
        request = self.request
        classes = self._classes()
        source = Source(request, runner=self._get_runner, clock=self.clock)
        artifact = self._open()
        wanted = source.ports()
        problems = port_problems(
            artifact.ports,
            wanted,
            shapes={entry.name: entry.shape for entry in request.inputs if entry.shape},
            end_points=bool(request.outputs),
        )
        made = () if problems else cases(artifact.ports.inputs, wanted.inputs, request)
        results = tuple(self._run_case(case, artifact, source, classes) for case in made)
        for result in results:
            for comparison in result.comparisons:
                problems += [f"{result.name}: {text}" for text in comparison.problems]
        return CheckResult(
            ok=not problems,
            problems=tuple(problems),
            cases=results,
            top1=classes.result() if classes else None,
            rtol=request.rtol,
            atol=request.atol,
            runtimes={"artifact": artifact.info.name, "source": source.info.name},
            versions={**artifact.info.versions(), **source.info.versions()},
            seconds=self.clock.spent,
            cached=source.cached,
        )

    def _classes(self) -> Classes | None:
        request = self.request
        if request.metric is None and request.labels is None:
            return None
        if request.metric != "top1":
            raise ConvertError(f"no metric {request.metric!r}", hint="there is: top1")
        if request.labels and not any(entry.sample for entry in request.inputs):
            raise ConvertError("labels need samples", hint="give the input's sample")
        return Classes(read_labels(request.labels) if request.labels else None)

    def _open(self) -> Opened:
        """Open the artifact in the first runtime that has its operators."""
        request = self.request
        refused: UnsupportedCase | None = None
        for info in runtimes(request.format):
            runner = self._get_runner(info.module, memory=request.memory, side="artifact")
            try:
                with self.clock.part("artifact"):
                    ports = runner.open(
                        request.artifact,
                        format=request.format,
                        outputs=(),
                        seconds=self.clock.left(),
                    )
                return Opened(info, runner, ports)
            except UnsupportedCase as error:
                refused = error
        raise refused or ConvertError(f"no runtime for the format {request.format!r}")

    def _run_case(
        self, case: Case, artifact: Opened, source: Source, classes: Classes | None
    ) -> CaseResult:
        request = self.request
        runs = source.runs(case)
        names = [port.name for port in artifact.ports.outputs]
        tallies = {name: Tally(name, rtol=request.rtol, atol=request.atol) for name in names}
        for batch, run in zip(case.batches(), runs):
            with self.clock.part("artifact"):
                got = artifact.runner.run(batch.feeds, seconds=self.clock.left())
            with self.clock.part("comparison"):
                want = dict(zip(names, run.values()))
                for port in artifact.ports.outputs:
                    tally = tallies[port.name]
                    wrong = contradiction(port, got[port.name])
                    if wrong:
                        tally.problem(wrong)
                    tally.add(got[port.name], want[port.name])
                if classes and case.complete:
                    classes.add(got, want, rows=batch.rows)
        compared = tuple(tally.result() for tally in tallies.values())
        return CaseResult(case.name, len(runs), compared)

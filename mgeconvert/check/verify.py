"""One check from its request to its result: two runtimes, the same inputs, one comparison."""

from __future__ import annotations

from dataclasses import dataclass

from mgeconvert.check.classes import Classes
from mgeconvert.check.inputs import Case, cases
from mgeconvert.check.limits import Limits, limits_of, top1_problems
from mgeconvert.check.ports import contradiction, port_problems
from mgeconvert.check.request import CheckRequest
from mgeconvert.check.result import CaseResult, CheckResult
from mgeconvert.check.runners.protocol import Description, Runner
from mgeconvert.check.runtimes import RuntimeInfo, runtimes
from mgeconvert.check.samples import read_labels
from mgeconvert.check.source import Clock, GetRunner, Side, Source
from mgeconvert.errors import ConvertError, UnsupportedCase

__all__ = ["Check", "Side"]


@dataclass(frozen=True)
class Opened:
    """The artifact in the runtime that runs it."""

    info: RuntimeInfo
    runner: Runner
    ports: Description


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
        self._judge_steps(artifact)
        limits = limits_of(request, mixed=source.rounding != request.rounding)
        made = () if problems else cases(artifact.ports.inputs, wanted.inputs, request)
        results = tuple(self._run_case(case, artifact, source, (classes, limits)) for case in made)
        for result in results:
            for comparison in result.comparisons:
                problems += [f"{result.name}: {text}" for text in comparison.problems]
        top1 = classes.result() if classes else None
        problems += top1_problems(top1, request.min_top1)
        return CheckResult(
            ok=not problems,
            problems=tuple(problems),
            cases=results,
            top1=top1,
            rtol=limits.rtol,
            atol=limits.atol,
            rtol_max=limits.rtol_max,
            atol_lsb=limits.atol_lsb,
            lsb_share=limits.lsb_share,
            min_snr=limits.min_snr,
            min_top1=request.min_top1,
            rounding=source.rounding,
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

    def _judge_steps(self, artifact: Opened) -> None:
        """Raise ConvertError for a tolerance in steps where no output has any."""
        names = [port.name for port in artifact.ports.outputs]
        if self.request.atol_lsb is None or any(name in self.request.steps for name in names):
            return
        raise ConvertError(
            f"atol_lsb needs a quantized output, and {', '.join(map(repr, names))} is none",
            hint="use min_snr",
        )

    def _run_case(
        self,
        case: Case,
        artifact: Opened,
        source: Source,
        judging: tuple[Classes | None, Limits],
    ) -> CaseResult:
        classes, limits = judging
        runs = source.runs(case)
        names = [port.name for port in artifact.ports.outputs]
        tallies = {name: limits.tally(name, self.request.steps.get(name)) for name in names}
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

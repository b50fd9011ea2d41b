"""A check from its request to its result: two runtimes, the same inputs, one comparison."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from types import TracebackType

from mgeconvert.check import references
from mgeconvert.check.classes import Classes
from mgeconvert.check.compare import Tally
from mgeconvert.check.inputs import Case, cases, digest
from mgeconvert.check.references import References, Run
from mgeconvert.check.request import CaseResult, CheckRequest, CheckResult
from mgeconvert.check.runners import protocol
from mgeconvert.check.runners.process import RunnerProcess
from mgeconvert.check.runners.protocol import Description, Port
from mgeconvert.check.samples import read_labels
from mgeconvert.errors import ConvertError, LimitExceeded, UnsupportedCase

PACKAGE = "mgeconvert.check.runners"
RUNNERS = Path(protocol.__file__).parent


@dataclass(frozen=True)
class RuntimeInfo:
    """A runner module, how reports name it, and the distributions whose versions matter."""

    module: str
    name: str
    distributions: tuple[str, ...]
    hint: str = ""


ONNXRUNTIME = RuntimeInfo("onnxruntime", "onnxruntime", ("onnxruntime",))
ONNX_REFERENCE = RuntimeInfo("onnx_reference", "onnx.reference", ("onnx", "numpy"))
MEGENGINE = RuntimeInfo(
    "megengine",
    "MegEngine",
    ("megengine", "numpy"),
    hint="install CPython 3.10 with the extra: pip install 'mgeconvert[megengine]'",
)
# The first that can run the file does.
RUNTIMES: Mapping[str, tuple[RuntimeInfo, ...]] = {
    "onnx": (ONNXRUNTIME, ONNX_REFERENCE),
    "traced": (MEGENGINE,),
    "mge": (MEGENGINE,),
}


@dataclass
class _Clock:
    """The time that a check has left, and where it went."""

    deadline: float
    spent: dict[str, float] = field(default_factory=dict)

    def left(self) -> float:
        """Return the seconds that are left; raises LimitExceeded when none are."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise LimitExceeded(
                "the check ran into its time limit", hint="raise limits.time of this model"
            )
        return left

    def add(self, part: str, since: float) -> None:
        self.spent[part] = self.spent.get(part, 0.0) + time.monotonic() - since


class Session:
    """Checks one after another, each runtime in one process that outlives them.

    A runtime's process starts at its first use and is replaced after a crash. Use as a context
    manager, from one thread.
    """

    def __init__(self) -> None:
        self._runners: dict[str, RunnerProcess] = {}

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all runner processes."""
        while self._runners:
            self._runners.popitem()[1].close()

    def runner(self, module: str, *, memory: int = 0) -> RunnerProcess:
        """Return the process of a runner module, with this memory limit from now on."""
        name = module if "." in module else f"{PACKAGE}.{module}"
        runner = self._runners.setdefault(name, RunnerProcess(name))
        runner.memory = memory
        return runner

    def verify(self, request: CheckRequest) -> CheckResult:
        """Check one artifact against its source.

        A difference is a result with `ok` false. Raises LimitExceeded where a runtime crashed or
        ran into a limit, and another ConvertError where the check could not be made.
        """
        return _Check(self, request).run()


def verify(request: CheckRequest) -> CheckResult:
    """Check one artifact in a session of its own."""
    with Session() as session:
        return session.verify(request)


class _Check:
    """The state of one check."""

    def __init__(self, session: Session, request: CheckRequest) -> None:
        self.session, self.request = session, request
        self.clock = _Clock(time.monotonic() + request.seconds)
        self.references = References(request.cache)
        self.problems: list[str] = []
        self.cached = True
        self.source_open = False

    def run(self) -> CheckResult:
        request = self.request
        classes = None
        if request.metric == "top1":
            labels = read_labels(request.labels) if request.labels else None
            classes = Classes(labels)
        self.source_runtime = _runtime(request.source_format)[0]
        self.source_key = self._source_key()
        artifact = self._open_artifact()
        source = self._describe_source()
        self._compare_names("input", artifact.inputs, source.inputs)
        self._compare_names("output", artifact.outputs, source.outputs)
        results = []
        if not self.problems:
            made = cases(artifact.inputs, source.inputs, request)
            results = [self._run_case(case, classes) for case in made]
        for result in results:
            for comparison in result.comparisons:
                self.problems += [f"{result.name}: {text}" for text in comparison.problems]
        return self._result(tuple(results), classes)

    def _result(self, results: tuple[CaseResult, ...], classes: Classes | None) -> CheckResult:
        top1 = classes.result() if classes and results else None
        used = {"artifact": self.artifact_runtime, "source": self.source_runtime}
        versions: dict[str, str] = {}
        for runtime in used.values():
            versions.update(_versions(runtime))
        return CheckResult(
            ok=not self.problems,
            problems=tuple(self.problems),
            cases=results,
            top1=top1,
            rtol=self.request.rtol,
            atol=self.request.atol,
            runtimes={side: runtime.name for side, runtime in used.items()},
            versions=versions,
            seconds=self.clock.spent,
            cached=self.cached,
        )

    def _open_artifact(self) -> Description:
        request = self.request
        for runtime in _runtime(request.format):
            self.artifact_runtime = runtime
            runner = self.session.runner(runtime.module, memory=request.memory)
            start = time.monotonic()
            try:
                return runner.open(
                    request.artifact, format=request.format, outputs=(), seconds=self.clock.left()
                )
            except UnsupportedCase as error:
                refused = error
            finally:
                self.clock.add("artifact", start)
        raise refused

    def _source_key(self) -> dict[str, object]:
        files = [RUNNERS / "server.py", RUNNERS / f"{self.source_runtime.module}.py"]
        return {
            "source": self.request.source_sha256,
            "format": self.request.source_format,
            "outputs": self.request.outputs,
            "versions": _versions(self.source_runtime),
            "code": references.fingerprint(files),
        }

    def _describe_source(self) -> Description:
        name = references.key(self.source_key)
        known = self.references.description(name)
        if known is None:
            known = self._open_source()
            self.references.keep_description(name, known)
        return known

    def _open_source(self) -> Description:
        request = self.request
        self.cached, self.source_open = False, True
        start = time.monotonic()
        runner = self.session.runner(self.source_runtime.module, memory=request.memory)
        try:
            return runner.open(
                request.source,
                format=request.source_format,
                outputs=request.outputs,
                seconds=self.clock.left(),
            )
        finally:
            self.clock.add("source", start)

    def _reference(self, case: Case) -> list[Run]:
        name = references.key({**self.source_key, "feeds": [digest(b) for b in case.batches()]})
        known = self.references.runs(name)
        if known is not None:
            return known
        if not self.source_open:
            self._open_source()
        self.cached = False
        runner = self.session.runner(self.source_runtime.module, memory=self.request.memory)
        start = time.monotonic()
        runs: list[Run] = [
            runner.run(batch.feeds, seconds=self.clock.left()) for batch in case.batches()
        ]
        self.clock.add("source", start)
        self.references.keep_runs(name, runs)
        return runs

    def _run_case(self, case: Case, classes: Classes | None) -> CaseResult:
        request = self.request
        want_runs = self._reference(case)
        runner = self.session.runner(self.artifact_runtime.module, memory=request.memory)
        tallies: dict[str, Tally] = {}
        for batch, want in zip(case.batches(), want_runs):
            start = time.monotonic()
            got = runner.run(batch.feeds, seconds=self.clock.left())
            self.clock.add("artifact", start)
            start = time.monotonic()
            for name, expected in want.items():
                tally = tallies.setdefault(name, Tally(name, rtol=request.rtol, atol=request.atol))
                tally.add(got[name], expected)
            if classes and case.complete:
                classes.add(got, want, rows=batch.rows)
            self.clock.add("comparison", start)
        compared = tuple(tally.result() for tally in tallies.values())
        return CaseResult(case.name, len(want_runs), compared)

    def _compare_names(self, kind: str, got: tuple[Port, ...], want: tuple[Port, ...]) -> None:
        names, expected = [p.name for p in got], [p.name for p in want]
        same = names == expected if kind == "output" else sorted(names) == sorted(expected)
        if not same:
            self.problems.append(
                f"the artifact's {kind}s are {', '.join(map(repr, names))} where the source has "
                f"{', '.join(map(repr, expected))}"
            )


def _runtime(format: str) -> tuple[RuntimeInfo, ...]:
    if format not in RUNTIMES:
        raise ConvertError(f"no runtime for the format {format!r}", hint=", ".join(RUNTIMES))
    return RUNTIMES[format]


def _versions(runtime: RuntimeInfo) -> dict[str, str]:
    """Return the installed versions; asks the installation, so that nothing is imported."""
    try:
        return {name: metadata.version(name) for name in runtime.distributions}
    except metadata.PackageNotFoundError as error:
        problem = f"this check needs {runtime.name}, which is not installed"
        raise ConvertError(problem, hint=runtime.hint) from error

"""Checks one after another, which share the processes of the runtimes."""

from __future__ import annotations

from types import TracebackType

from mgeconvert.check.request import CheckRequest
from mgeconvert.check.result import CheckResult
from mgeconvert.check.runners.process import RunnerProcess
from mgeconvert.check.verify import Check, Side

PACKAGE = "mgeconvert.check.runners"


class Session:
    """Checks that share one process per runtime and side.

    A runtime's process starts at its first use and is replaced after a crash. Use as a context
    manager, from one thread.
    """

    def __init__(self) -> None:
        self._runners: dict[tuple[str, Side], RunnerProcess] = {}

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

    def runner(self, module: str, *, memory: int = 0, side: Side = "artifact") -> RunnerProcess:
        """Return the process of a runner module, with this memory limit from now on.

        `module` is a module of `mgeconvert.check.runners`. Each side has a process of its own,
        since a process has one model open, and both sides may need the same runtime.
        """
        key = module, side
        if key not in self._runners:
            self._runners[key] = RunnerProcess(f"{PACKAGE}.{module}")
        runner = self._runners[key]
        runner.memory = memory
        return runner

    def verify(self, request: CheckRequest) -> CheckResult:
        """Check one artifact against its source.

        A difference is a result with `ok` false. Raises LimitExceeded where a runtime crashed or
        ran into a limit, and another ConvertError where the check could not be made.
        """
        return Check(request, runner=self.runner).run()


def verify(request: CheckRequest) -> CheckResult:
    """Check one artifact in a session of its own."""
    with Session() as session:
        return session.verify(request)

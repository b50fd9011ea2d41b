"""Checks one after another, which share the processes of the runtimes."""

from __future__ import annotations

from types import TracebackType

from mgeconvert.check.request import CheckRequest
from mgeconvert.check.result import CheckResult
from mgeconvert.check.runners.process import RunnerProcess
from mgeconvert.check.verify import Check

PACKAGE = "mgeconvert.check.runners"


class Session:
    """Checks that share one process per runtime.

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
        """Return the process of a runner module, with this memory limit from now on.

        `module` is a module of `mgeconvert.check.runners`, or any dotted name.
        """
        name = module if "." in module else f"{PACKAGE}.{module}"
        if name not in self._runners:
            self._runners[name] = RunnerProcess(name)
        runner = self._runners[name]
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

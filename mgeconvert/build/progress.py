"""What a run prints while it works: a line per finished stage of a job, plain enough for a log."""

from __future__ import annotations

from typing import Any

from doit.exceptions import BaseFail, TaskFailed, UnmetDependency
from doit.reporter import ConsoleReporter


class Progress(ConsoleReporter):  # type: ignore[misc]
    """doit's reporter for a build; current tasks are counted and not named."""

    desc = "the progress of a build"

    def __init__(self, outstream: Any, options: dict[str, Any]) -> None:
        super().__init__(outstream, options)
        self.worked = False
        self.only_jobs_failed = True

    def initialize(self, tasks: Any, selected_tasks: Any) -> None:
        """Note that there is something to report on."""
        self.worked = True

    def execute_task(self, task: Any) -> None:
        """Say what starts."""
        if task.actions:
            self._line(f"{task.name} ...")

    def add_success(self, task: Any) -> None:
        """Say what is done."""
        if task.actions:
            self._line(f"{task.name} done")

    def add_failure(self, task: Any, fail: BaseFail) -> None:
        """Say what failed, and why; what only waited for it says nothing."""
        if isinstance(fail, UnmetDependency):
            return
        if not isinstance(fail, TaskFailed):
            self.only_jobs_failed = False
        self._line(f"{task.name} FAILED\n{fail.get_msg().strip()}")

    def skip_uptodate(self, task: Any) -> None:
        """Say nothing."""

    def complete_run(self) -> None:
        """Repeat nothing but errors of doit itself."""
        for message in self.runtime_errors:
            self.only_jobs_failed = False
            self._line(message)

    def _line(self, text: str) -> None:
        self.write(text + "\n")
        self.outstream.flush()

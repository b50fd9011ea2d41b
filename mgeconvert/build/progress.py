"""What a run shows while it works: plain lines for a log, a bar above them on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from doit.exceptions import BaseFail, TaskFailed, UnmetDependency
from doit.reporter import ConsoleReporter

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID


class JobFailed(TaskFailed):  # type: ignore[misc]
    """A failed job: what is said, and what is noted of it."""

    def __init__(self, text: str, entry: dict[str, Any]) -> None:
        super().__init__(text)
        self.entry = entry


def reporter(outstream: Any) -> Progress:
    """Return the progress that suits the stream: a bar on a terminal, plain lines elsewhere."""
    return LiveProgress(outstream, {}) if outstream.isatty() else Progress(outstream, {})


class Progress(ConsoleReporter):  # type: ignore[misc]
    """doit's reporter for a build; current tasks are counted and not named."""

    desc = "the progress of a build"

    def __init__(self, outstream: Any, options: dict[str, Any]) -> None:
        super().__init__(outstream, options)
        self.worked = False
        self.only_jobs_failed = True
        self.failed: list[dict[str, Any]] = []

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
        if isinstance(fail, JobFailed):
            self.failed.append(fail.entry)
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


class LiveProgress(Progress):
    """A bar with the stage at work, below the lines of what failed; rich is loaded with it."""

    desc = "the progress of a build, on a terminal"

    def __init__(self, outstream: Any, options: dict[str, Any]) -> None:
        super().__init__(outstream, options)
        self._bar: Bar | None = None
        self._row: TaskID | None = None

    def initialize(self, tasks: Any, selected_tasks: Any) -> None:
        """Show the bar, as long as there are stages among what is selected."""
        super().initialize(tasks, selected_tasks)
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
        )
        console = Console(file=self.outstream, emoji=False)  # a task "a:m:b" is no picture
        self._bar = Bar(*columns, TimeElapsedColumn(), console=console, transient=True)
        self._row = self._bar.add_task("", total=len(_stages(tasks, selected_tasks)))
        self._bar.start()

    def execute_task(self, task: Any) -> None:
        """Name the stage at work."""
        if self._bar and self._row is not None and task.actions:
            self._bar.update(self._row, description=task.name)

    def add_success(self, task: Any) -> None:
        """Move the bar on."""
        self._advance(task)

    def add_failure(self, task: Any, fail: BaseFail) -> None:
        """Say what failed, above the bar, and move on."""
        super().add_failure(task, fail)
        self._advance(task)

    def skip_uptodate(self, task: Any) -> None:
        """Move the bar on."""
        self._advance(task)

    def complete_run(self) -> None:
        """Take the bar away."""
        if self._bar:
            self._bar.stop()
        super().complete_run()

    def _advance(self, task: Any) -> None:
        if self._bar and self._row is not None and task.actions:
            self._bar.advance(self._row)

    def _line(self, text: str) -> None:
        if self._bar:
            self._bar.console.print(text, markup=False, highlight=False, emoji=False)
        else:
            super()._line(text)


def _stages(tasks: Mapping[str, Any], selected: Iterable[str]) -> set[str]:
    """Return the tasks with something to do among `selected` and what they wait for."""
    found: set[str] = set()
    todo = [name for name in selected if name in tasks]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo.extend(n for n in tasks[name].task_dep if n in tasks)
    return {name for name in found if tasks[name].actions}

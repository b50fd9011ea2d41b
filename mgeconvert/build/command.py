"""doit's `run` command for a build: options, names of jobs, one report, and exit codes."""

from __future__ import annotations

import contextlib
import getopt
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import FrameType
from typing import Any

from doit.cmd_base import ModuleTaskLoader
from doit.cmd_run import Run as DoitRun
from doit.dependency import Dependency, JSONCodec, MD5Checker
from doit.doit_cmd import DoitMain
from doit.exceptions import InvalidCommand

from mgeconvert.build.files import FULL
from mgeconvert.build.memory import MemoryDB
from mgeconvert.build.plan import Build, Options
from mgeconvert.build.progress import Progress, reporter
from mgeconvert.build.reports import collect, report_folder, save
from mgeconvert.build.serve import die_with
from mgeconvert.build.show import show
from mgeconvert.build.tasks import final_task, tasks
from mgeconvert.errors import ConversionFailed

GROUPS = ("convert", "check")
FAILED, INTERRUPTED = 1, 130

OPTIONS = (
    {
        "name": "rehash",
        "long": "rehash",
        "type": bool,
        "default": False,
        "help": "hash every file again, whatever the cache of hashes says",
    },
    {
        "name": "check_passes",
        "long": "check-passes",
        "type": bool,
        "default": False,
        "help": "evaluate the model after each pass, and name the first that changes numbers",
    },
)


class Run(DoitRun):  # type: ignore[misc]
    """`doit convert [MODEL[:TARGET] ...] [options]`, and doit's own way of naming tasks.

    Where the tasks are no build of ours, this is doit's command.
    """

    name = "run"
    cmd_options = (*DoitRun.cmd_options, *OPTIONS)

    def parse_execute(self, in_args: Sequence[str]) -> int:
        """Take options also after the names of jobs."""
        return int(super().parse_execute(self._options_first(list(in_args))) or 0)

    def execute(self, params: Any, args: list[str]) -> int:
        """Run the tasks; write the report also when some fail or the run is interrupted.

        0: all good; 1: a job failed; 2: an error while a task ran; 3: nothing could be started;
        130: interrupted.
        """
        ready = _Ready(self.loader, params)
        build = ready.load_doit_config().get("build")
        self.loader: Any = ready
        if not isinstance(build, Build):
            return int(super().execute(params, args) or 0)
        build.set_options(Options(rehash=params["rehash"], check_passes=params["check_passes"]))
        progress = reporter(sys.stdout)
        params.update_defaults({"reporter": progress, "continue": True})
        self.dep_manager = Dependency(MemoryDB, "", checker_cls=MD5Checker, codec_cls=JSONCodec)
        return self._run(
            build, progress, lambda: super(Run, self).execute(params, names(build, args))
        )

    def _run(self, build: Build, progress: Progress, work: Callable[[], int]) -> int:
        before = signal.signal(signal.SIGTERM, _interrupt)
        os.register_at_fork(after_in_child=partial(die_with, os.getpid()))  # doit's, under -n
        try:
            code = int(work() or 0)
        except KeyboardInterrupt:
            code = INTERRUPTED
            _end_children()
        finally:
            signal.signal(signal.SIGTERM, before)
            build.close()
        if code == INTERRUPTED or progress.worked:
            _note(build, progress.failed)
            written = _report(build, interrupted=code == INTERRUPTED)
            code = code if written else code or FAILED
        return FAILED if code and code != INTERRUPTED and progress.only_jobs_failed else code

    def _options_first(self, args: list[str]) -> list[str]:
        parser = self.cmdparser
        try:
            options, names = getopt.gnu_getopt(args, parser.get_short(), parser.get_long())
        except getopt.GetoptError:
            return args  # doit says what is wrong
        if not names or names[0] not in GROUPS:
            return args
        return [part for option in options for part in option if part] + names


def _note(build: Build, failed: Sequence[Mapping[str, Any]]) -> None:
    """Note the failed jobs that their own process could not note, since the disk was full."""
    build.engine.state.refresh()
    for entry in failed:
        with contextlib.suppress(OSError):  # full still: what is kept in memory will do
            build.engine.state.outcomes.put(f"{entry['stage']} {entry['job']}", dict(entry))


def _report(build: Build, *, interrupted: bool) -> bool:
    """Write the report and show it; without room for it, show it all the same and return False."""
    report, folder = collect(build, interrupted=interrupted), report_folder(build)
    try:
        save(report, folder)
    except OSError as error:
        if error.errno not in FULL:
            raise
        show(report, None, sys.stdout)
        print(f"{folder}: {error.strerror}: the report could not be written", file=sys.stderr)
        return False
    show(report, folder, sys.stdout)
    return True


def _end_children() -> None:
    """End the processes that doit forked: they wait for jobs that do not come any more."""
    for child in multiprocessing.active_children():
        child.kill()
        child.join()


def run_build(build: Build, arguments: Sequence[str]) -> int:
    """Run doit on the build alone, without a dodo file; return the exit code as `Run.execute`."""
    namespace = {
        "DOIT_CONFIG": {"build": build, "default_tasks": ["convert"]},
        "task_build": lambda: tasks(build),
    }
    extra = {"COMMAND": {"run": f"{__name__}:Run"}}
    main = DoitMain(ModuleTaskLoader(namespace), config_filenames=(), extra_config=extra)
    return int(main.run(["run", *arguments]))


class _Ready:
    """A task loader that is set up already."""

    def __init__(self, loader: Any, opt_values: Any) -> None:
        self._loader = loader
        loader.setup(opt_values)

    def setup(self, opt_values: Any) -> None:
        """Do nothing: the dodo file has been loaded."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


def names(build: Build, args: list[str]) -> list[str]:
    """Return the tasks for `args`: after `convert` or `check` stand names of jobs.

    Job by job, so that each is published before the next begins; doit's order for a group would be
    all conversions first.
    """
    if args and args[0] not in GROUPS:
        return args
    try:
        return [final_task(job) for job in build.select(args[1:])]
    except ConversionFailed as failed:
        raise InvalidCommand("\n".join(map(str, failed.problems))) from failed


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt

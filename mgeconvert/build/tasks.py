"""doit's view of a build: plain dicts, one task per conversion and one per check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mgeconvert.build.outcome import Outcome
from mgeconvert.build.plan import Build
from mgeconvert.build.progress import JobFailed
from mgeconvert.build.reports import write_reports
from mgeconvert.manifest import Job
from mgeconvert.report.words import problem_of

Task = dict[str, Any]


def tasks(build: Build, *, sources: Mapping[str, str] | None = None) -> Iterator[Task]:
    """Yield the tasks `convert:MODEL:TARGET`, `check:MODEL:TARGET` and `report`.

    The group `convert` is all of them, checks included. `sources` has the tasks that make source
    files, by path.
    """
    checked = [job for job in build.enabled if job.check.enabled]
    yield {
        "basename": "convert",
        "name": None,
        "doc": "convert, check and publish everything (doit convert MODEL:TARGET: one)",
        "task_dep": [f"check:{job.name}" for job in checked],
    }
    yield {"basename": "check", "name": None, "doc": "compare the artifacts with their sources"}
    for job in build.enabled:
        made_by = (sources or {}).get(job.source)
        yield _convert_task(build, job, [made_by] if made_by else [])
        if job.check.enabled:
            yield _check_task(build, job)
    yield {
        "basename": "report",
        "doc": "write the report again",
        "actions": [(_report, [build])],
        "uptodate": [False],
    }


def final_task(job: Job) -> str:
    """Return the name of the task that publishes the job's artifact."""
    return f"check:{job.name}" if job.check.enabled else f"convert:{job.name}"


def _convert_task(build: Build, job: Job, task_dep: list[str]) -> Task:
    return {
        "basename": "convert",
        "name": job.name,
        "doc": f"convert {job.name} to {job.format}",
        "actions": [(_convert, [build, job])],
        "uptodate": [(_is_converted, [build, job])],
        "task_dep": task_dep,
        "clean": [(build.clean_job, [job])],
    }


def _check_task(build: Build, job: Job) -> Task:
    return {
        "basename": "check",
        "name": job.name,
        "doc": f"check {job.name} and publish it",
        "actions": [(_check, [build, job])],
        "uptodate": [(_is_checked, [build, job])],
        "task_dep": [f"convert:{job.name}"],
        "clean": [(build.clean_job, [job])],
    }


def _is_converted(build: Build, job: Job) -> bool:
    return build.engine.known.is_converted(job)


def _is_checked(build: Build, job: Job) -> bool:
    return build.engine.known.is_checked(job)


def _convert(build: Build, job: Job) -> JobFailed | None:
    return _done(build, build.engine.convert, job)


def _check(build: Build, job: Job) -> JobFailed | None:
    return _done(build, build.engine.check, job)


def _report(build: Build) -> None:
    write_reports(build)


def _done(build: Build, work: Callable[[Job], Outcome], job: Job) -> JobFailed | None:
    outcome = work(job)
    if outcome.ok:
        return None
    text = "\n".join(map(problem_of, outcome.problems))
    return JobFailed(text, build.engine.entry(job, outcome))

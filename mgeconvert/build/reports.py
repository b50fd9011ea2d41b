"""The report's files: collected from what is known of the jobs, and written whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mgeconvert import __version__
from mgeconvert.build.failed import as_expected, told
from mgeconvert.build.files import replace_file
from mgeconvert.build.outcome import Outcome, outcome_from
from mgeconvert.build.plan import Build
from mgeconvert.build.records import Result, Verdict
from mgeconvert.errors import ConvertError
from mgeconvert.manifest import Job
from mgeconvert.report.document import FileRow, JobRow, Orphan, Report, State, Work, to_json
from mgeconvert.report.html import to_html
from mgeconvert.report.junit import to_junit
from mgeconvert.report.markdown import to_markdown
from mgeconvert.report.table import orphans

RENDERINGS: Mapping[str, Callable[[Report], str]] = {
    "report.md": to_markdown,
    "report.html": to_html,
    "junit.xml": to_junit,
}


def report_folder(build: Build) -> Path:
    """Return the folder of the report: `build/report` beside the manifest `models.toml`."""
    stem = build.path.stem
    return build.path.parent / "build" / ("report" if stem == "models" else f"report-{stem}")


def write_reports(build: Build, *, interrupted: bool = False) -> Report:
    """Write report.json and its renderings where something changed; return what they say."""
    report = collect(build, interrupted=interrupted)
    save(report, report_folder(build))
    return report


def save(report: Report, folder: Path) -> None:
    """Write report.json and its renderings where something changed."""
    data = to_json(report).encode()
    main = folder / "report.json"
    if not main.exists() or main.read_bytes() != data:
        for name, render in RENDERINGS.items():
            replace_file(folder / name, render(report).encode())
        replace_file(main, data)  # last: where it is current, so are the others


def collect(build: Build, *, interrupted: bool = False) -> Report:
    """Return what is known of the build's jobs, whether or not this run did anything for them."""
    engine = build.engine
    engine.state.refresh()
    hashes, root = engine.state.hashes, build.path.parent
    orphans = [
        Orphan(
            path=os.path.relpath(file.path, root),
            job=file.job,
            size=file.size,
            changed=hashes.maybe(file.path) not in (None, file.sha256),
        )
        for file in engine.publisher.orphans(build.jobs)
    ]
    return Report(
        manifest=build.path.name,
        converter=f"mgeconvert {__version__}",
        interrupted=interrupted,
        jobs=tuple(_row(build, job) for job in build.jobs),
        orphans=tuple(orphans),
    )


def plan_lines(build: Build) -> list[str]:
    """Return a line for each job with what a build would do for it, and one for each orphan."""
    report = collect(build)
    found = []
    for row in report.jobs:
        why = _lacks(build, row) if row.state == "missing" else row.reason
        found.append(f"{row.name}  {row.format}  {row.state}{f'  ({why})' if why else ''}")
    return [*found, *orphans(report)]


def _lacks(build: Build, row: JobRow) -> str:
    """Say what a job that a build would work on has, or has not."""
    if row.conversion.key and row.check_settings["enabled"] and not row.checking.key:
        return "to be checked"
    if row.conversion.key:
        return "to be published again"
    if build.engine.state.outcomes.get(f"convert {row.name}") is None:
        return "never built"
    return "out of date"


def _row(build: Build, job: Job) -> JobRow:
    result, verdict, problems = _known(build, job)
    done = {stage: _outcome(build, job, stage) for stage in ("convert", "check")}
    problems = problems or _problems(job, result, verdict, done)
    settings = job.settings()
    return JobRow(
        name=job.name,
        model=job.model,
        target=job.target,
        format=job.format,
        state=_state(build, job, result, verdict, problems),
        reason=job.reason,
        description=job.description,
        license=job.license,
        tags=job.tags,
        source=os.path.relpath(job.source, build.path.parent),
        files=_files(build, job, result),
        notes=result.notes if result else (),
        problems=problems,
        settings={**settings.pop("options"), **settings},
        check_settings=vars(job.check),
        limits=vars(job.limits),
        made_from=result.made_from if result else {},
        check=verdict.details if verdict else {},
        conversion=_work(build, result, done["convert"]),
        checking=_work(build, verdict, done["check"]),
        withdrawn=tuple(path for o in done.values() if o for path in o.withdrawn),
        left=tuple(path for o in done.values() if o for path in o.left),
    )


def _known(
    build: Build, job: Job
) -> tuple[Result | None, Verdict | None, tuple[dict[str, Any], ...]]:
    """Return the stored result and verdict of the job as it is now, and why there is none."""
    known = build.engine.known
    if not job.enabled:
        return None, None, ()
    try:
        result = known.result(job)
        verdict = known.verdict(job, result) if result and result.ok and job.check.enabled else None
    except ConvertError as problem:
        return None, None, told(job, (problem.as_dict(),))
    return result, verdict, ()


def _outcome(build: Build, job: Job, stage: str) -> Outcome | None:
    """Return what this run, or failing that an earlier one on the same content, did."""
    entry = build.engine.state.outcomes.get(f"{stage} {job.name}")
    if entry is None or not job.enabled:
        return None
    if entry["run"] == build.engine.run or entry["key"] == _key(build, job):
        return outcome_from(entry)
    return None


def _key(build: Build, job: Job) -> str:
    try:
        return build.engine.known.conversion_key(job)
    except ConvertError:
        return ""


def _problems(
    job: Job,
    result: Result | None,
    verdict: Verdict | None,
    done: Mapping[str, Outcome | None],
) -> tuple[dict[str, Any], ...]:
    stored = [*(result.problems if result else ()), *(verdict.problems if verdict else ())]
    if stored:
        return told(job, stored)
    passing = [o for o in done.values() if o and o.action in ("failed", "expected")]
    return tuple(problem for outcome in passing[:1] for problem in outcome.problems)


def _state(
    build: Build,
    job: Job,
    result: Result | None,
    verdict: Verdict | None,
    problems: tuple[dict[str, Any], ...],
) -> State:
    if not job.enabled:
        return "disabled"
    if problems:
        passed = result is not None and result.ok and (verdict is None or verdict.ok)
        return "expected" if as_expected(job, problems) and not passed else "failed"
    if result is None or (job.check.enabled and verdict is None):
        return "missing"
    if not build.engine.publisher.is_published(job, result):
        return "missing"
    return "passed" if job.check.enabled else "unchecked"


def _files(build: Build, job: Job, result: Result | None) -> tuple[FileRow, ...]:
    hashes, root = build.engine.state.hashes, build.path.parent
    found = []
    for file in result.files if result else ():
        path = Path(job.output) / file.name
        found.append(
            FileRow(
                name=file.name,
                path=os.path.relpath(path, root),
                sha256=file.sha256,
                size=file.size,
                published=hashes.maybe(path) == file.sha256,
            )
        )
    return tuple(found)


def _work(build: Build, record: Result | Verdict | None, outcome: Outcome | None) -> Work:
    facts = record.facts if record else outcome.facts if outcome else None
    now = outcome is not None and outcome.run == build.engine.run
    action = outcome.action if outcome and now else "kept" if record else ""
    if facts is None:
        return Work(action=action)
    return Work(
        key=record.key if record else "",
        action=action,
        seconds=round(facts.seconds, 3),
        peak_memory=facts.peak,
        output=facts.output,
    )

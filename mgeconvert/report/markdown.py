"""report.md: a table per model, and the problems; standard library only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mgeconvert.report.document import JobRow, Report
from mgeconvert.report.table import HEADINGS, row
from mgeconvert.report.words import (
    STEPS,
    bytes_of,
    is_rounded,
    number_of,
    problem_of,
    steps_of,
    summary_of,
)

OUTPUTS = ("job", "case", "output", "max abs", "max rel", "cosine", "SNR dB", "outside", STEPS)


def to_markdown(report: Report) -> str:
    """Return the report as GitHub-flavoured Markdown."""
    return "\n".join(_report(report)) + "\n"


def _report(report: Report) -> Iterator[str]:
    yield f"# {_text(report.manifest)}"
    yield ""
    yield summary_of(report)
    for name, jobs in report.models.items():
        yield ""
        yield from _model(name, jobs)
    if report.orphans:
        yield ""
        yield "## Orphans"
        yield ""
        yield from _table(
            ("file", "job", "size", "changed"),
            ((o.path, o.job, bytes_of(o.size), "yes" if o.changed else "") for o in report.orphans),
        )


def _model(name: str, jobs: tuple[JobRow, ...]) -> Iterator[str]:
    yield f"## {_text(name)}"
    yield ""
    if jobs[0].description:
        yield _text(jobs[0].description)
        yield ""
    yield from _table(HEADINGS, map(row, jobs))
    headings, numbers = outputs_of(jobs)
    if numbers:
        yield ""
        yield from _table(headings, numbers)
    for job in jobs:
        if job.problems:
            yield ""
            yield f"Problems of {_text(job.name)}:"
            yield ""
            yield from (f"- {_text(problem_of(problem))}" for problem in job.problems)


def outputs_of(jobs: Iterable[JobRow]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return headings and rows of the compared outputs; steps only where there are any."""
    rows = [cells for job in jobs for cells in outputs(job)]
    if any(cells[-1] for cells in rows):
        return OUTPUTS, rows
    return OUTPUTS[:-1], [cells[:-1] for cells in rows]


def outputs(job: JobRow) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each compared output, under OUTPUTS."""
    for case, found in job.comparisons:
        numbers = (found[key] for key in ("max_abs", "max_rel", "cosine", "snr_db"))
        outside = "" if is_rounded(job) else f"{found['outside']} of {found['size']}"
        yield job.name, case, found["output"], *map(number_of, numbers), outside, steps_of(found)


def _table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(headings) + " |"
    yield "|" + "---|" * len(headings)
    for cells in rows:
        yield "| " + " | ".join(map(_text, cells)) + " |"


def _text(text: str) -> str:
    """Escape what Markdown or a table would take for its own."""
    for character in "\\`*_[]<>|#":
        text = text.replace(character, "\\" + character)
    return " ".join(text.split())

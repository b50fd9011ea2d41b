"""The table of jobs at the end of a run, as rows and as plain lines; standard library only."""

from __future__ import annotations

from mgeconvert.report.document import JobRow, Report
from mgeconvert.report.words import bytes_of, number_of, seconds_of, summary_of, top1_of

HEADINGS = ("job", "state", "size", "time", "max error", "remarks")


def row(job: JobRow) -> tuple[str, ...]:
    """Return the cells of one job, under HEADINGS."""
    spent = job.conversion.seconds + job.checking.seconds
    return (
        job.name,
        job.state,
        bytes_of(job.size) if job.files else "",
        seconds_of(spent) if spent else "",
        "" if job.max_abs is None else number_of(job.max_abs),
        remarks(job),
    )


def remarks(job: JobRow) -> str:
    """Return what is worth a word: the kind of problem, a reason, or the classes' agreement."""
    if job.problems and job.state != "expected":
        more = len(job.problems) - 1
        return job.problems[0]["code"] + (
            f" and {more} more problem{'s' if more > 1 else ''}" if more else ""
        )
    return job.reason or top1_of(job)


def lines(report: Report) -> list[str]:
    """Return the table in columns, then orphans and the summary; no job that is merely current."""
    cells = [HEADINGS, *(row(job) for job in shown(report))]
    widths = [max(len(cell) for cell in column) for column in list(zip(*cells))[:-1]]
    found = [
        "  ".join([*(c.ljust(w) for c, w in zip(line, widths)), line[-1]]).rstrip()
        for line in cells
    ]
    return [*(found if len(cells) > 1 else []), *orphans(report), summary_of(report)]


def shown(report: Report) -> list[JobRow]:
    """Return the jobs that this run did something for, and those that are not as they should be.

    What is missing is shown after an interruption; else it was not asked for.
    """
    wrong = ("failed", "missing") if report.interrupted else ("failed",)
    return [
        job
        for job in report.jobs
        if job.state in wrong or {"made", "restored"} & {job.conversion.action, job.checking.action}
    ]


def orphans(report: Report) -> list[str]:
    """Return a line for each published file whose job has left the manifest."""
    return [
        f"orphan: {o.path} of {o.job}{', changed since' if o.changed else ''}"
        for o in report.orphans
    ]

"""junit.xml: a test suite per model and a test case per job; standard library only."""

from __future__ import annotations

import re
from xml.etree import ElementTree as Xml

from mgeconvert.report.document import JobRow, Report
from mgeconvert.report.words import problem_of

# What XML 1.0 cannot hold, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(report: Report) -> str:
    """Return the report as JUnit XML: failed jobs are failures, those not done are skipped."""
    root = Xml.Element("testsuites", _counts(report.jobs), name=report.manifest)
    for model, jobs in report.models.items():
        suite = Xml.SubElement(root, "testsuite", _counts(jobs), name=_clean(model))
        for job in jobs:
            _case(suite, job)
    Xml.indent(root)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"
    )


def _case(suite: Xml.Element, job: JobRow) -> None:
    case = Xml.SubElement(
        suite, "testcase", classname=_clean(job.model), name=_clean(job.target), time=_time(job)
    )
    if job.state == "failed":
        first = _clean(problem_of(job.problems[0])) if job.problems else "failed"
        kind = job.problems[0]["code"] if job.problems else "error"
        failure = Xml.SubElement(case, "failure", message=first, type=kind)
        failure.text = _clean("\n".join(map(problem_of, job.problems)))
    elif job.state in ("missing", "disabled"):
        Xml.SubElement(case, "skipped", message=_clean(job.reason or "not built yet"))
    output = job.conversion.output + job.checking.output
    if output and job.state == "failed":
        Xml.SubElement(case, "system-out").text = _clean(output)


def _counts(jobs: tuple[JobRow, ...]) -> dict[str, str]:
    failed = sum(job.state == "failed" for job in jobs)
    skipped = sum(job.state in ("missing", "disabled") for job in jobs)
    seconds = sum(job.conversion.seconds + job.checking.seconds for job in jobs)
    return {
        "tests": str(len(jobs)),
        "failures": str(failed),
        "errors": "0",
        "skipped": str(skipped),
        "time": f"{seconds:.3f}",
    }


def _time(job: JobRow) -> str:
    return f"{job.conversion.seconds + job.checking.seconds:.3f}"


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)

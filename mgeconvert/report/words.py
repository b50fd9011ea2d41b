"""Numbers and problems in the words that all renderings share; needs the manifest's own only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mgeconvert.manifest.options import PARAMETERS_FILE
from mgeconvert.report.document import JobRow, Report

REFERENCES = {
    "kept": "quantized",
    "parameters": "with rounded parameters",
    "none": "without rounding",
}
STEPS = "off by 0 / 1 / 2 / more steps"
UNITS = ("B", "kB", "MB", "GB", "TB")


def bytes_of(count: int) -> str:
    """Return a number of bytes with a decimal unit, as "12.3 MB"."""
    value = float(count)
    for unit in UNITS:
        if value < 999.5 or unit == UNITS[-1]:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.3g} {unit}"
        value /= 1000
    return ""


def seconds_of(seconds: float) -> str:
    """Return a duration, as "0.42 s"."""
    return f"{seconds:.2f} s" if seconds < 100 else f"{seconds:.0f} s"


def number_of(value: Any) -> str:
    """Return a measured number in short; it may be a str such as "nan"."""
    number = float(value)
    if not math.isfinite(number):
        return str(number)
    return "0" if number == 0 else f"{number:.3g}"


def problem_of(problem: Mapping[str, Any]) -> str:
    """Return one line for a problem as `ConvertError.as_dict` gives it."""
    hint = f" ({problem['hint']})" if problem["hint"] else ""
    return f"{_place(problem['at'])}{problem['problem']} [{problem['code']}]{hint}"


def top1_of(job: JobRow) -> str:
    """Return how often source and artifact agree on the class, "" where that was not asked."""
    top1 = job.check.get("top1")
    if not top1:
        return ""
    text = f"top-1 agrees on {top1['agree']} of {top1['rows']}"
    if top1["source_right"] is None:
        return text
    before = f"{top1['source_right']} before{_reference(job)}"
    return f"{text}; right: {before}, {top1['artifact_right']} after"


def _reference(job: JobRow) -> str:
    """Return what a quantized source was compared with, "" where it is not quantized."""
    if not any(file.name.endswith(PARAMETERS_FILE) for file in job.files):
        return ""
    said = REFERENCES.get(job.check.get("rounding", ""))
    return f" ({said})" if said else ""


def steps_of(comparison: Mapping[str, Any]) -> str:
    """Return the shares of elements that differ by 0, 1, 2 and more quantization steps."""
    counts = comparison.get("steps")
    if not counts:
        return ""
    total = sum(counts) or 1
    return " / ".join(f"{100 * count / total:.4g} %" for count in counts)


def is_rounded(job: JobRow) -> bool:
    """Return whether outputs were compared by steps and SNR, so that no element is outside."""
    tolerances = [job.check.get(name) for name in ("rtol", "atol")]
    return "rounding" in job.check and tolerances == [None, None]


def summary_of(report: Report) -> str:
    """Return one line: how many jobs are in which state."""
    counts = ", ".join(f"{count} {state}" for state, count in report.counts.items())
    end = "; interrupted" if report.interrupted else ""
    return f"{len(report.jobs)} jobs: {counts or 'none'}{end}"


def _place(at: Mapping[str, str] | None) -> str:
    if not at:
        return ""
    name = repr(at["name"]) if at["name"] else ""
    what = " ".join(part for part in (at["op"], name) if part)
    inside = f" in {at['path']}" if at["path"] else ""
    return f"{at['stage']}: {what}{inside}: " if what else f"{at['stage']}{inside}: "

"""What a failed check and its diagnosis say, read from their plain data; standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mgeconvert.diagnose.result import Diagnosis
from mgeconvert.errors import CheckFailed, Location

AT = Location("diagnosis")


def problems_of(details: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return the problems of a check's result."""
    return tuple(CheckFailed(text).as_dict() for text in details.get("problems", ()))


def failed_case(details: Mapping[str, Any]) -> str:
    """Return the first case of a check in which numbers differ, "" where there is none."""
    wrong = (
        case["name"]
        for case in details.get("cases", ())
        if any(comparison["problems"] for comparison in case["comparisons"])
    )
    return next(wrong, "")


def first_wrong(told: Mapping[str, Any]) -> CheckFailed:
    """Return the problem that names the first wrong tensor, or says why there is none.

    told: a diagnosis as plain data, or the `problems` that kept it from being made
    """
    if "sections" not in told:
        reasons = [problem["problem"] for problem in told["problems"]]
        return CheckFailed(f"it failed: {'; '.join(reasons)}", at=AT)
    found = Diagnosis.from_dict(told)
    return CheckFailed(found.summary(), at=AT)

"""What a failed check and its diagnosis say, read from their plain data; standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mgeconvert.diagnose.result import Diagnosis
from mgeconvert.errors import CheckFailed, Location

AT = Location("diagnosis")
RANDOM = "random"  # how the names of cases with random inputs begin
SATURATED = (
    "random inputs may lie beyond what the model is quantized for, which saturates it: give its "
    "inputs a range or a sample"
)


def problems_of(details: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return the problems of a check's result, of a rounded model with what to look at first."""
    rounded = details.get("min_snr") is not None
    return tuple(
        CheckFailed(text, hint=SATURATED if rounded and text.startswith(RANDOM) else "").as_dict()
        for text in details.get("problems", ())
    )


def failed_case(details: Mapping[str, Any]) -> str:
    """Return the first case of a check with a wrong output, "" for one that passed or ran none.

    Where no output is wrong by itself, as when too many classes differ, it is the first case.
    """
    cases = details.get("cases", ()) if details.get("problems") else ()
    wrong = [c for c in cases if any(compared["problems"] for compared in c["comparisons"])]
    return str((wrong or cases)[0]["name"]) if cases else ""


def first_wrong(told: Mapping[str, Any]) -> CheckFailed:
    """Return the problem that names the first wrong tensor, or says why there is none.

    told: a diagnosis as plain data, or the `problems` that kept it from being made
    """
    if "sections" not in told:
        reasons = [problem["problem"] for problem in told["problems"]]
        return CheckFailed(f"it failed: {'; '.join(reasons)}", at=AT)
    found = Diagnosis.from_dict(told)
    return CheckFailed(found.summary(), at=AT)

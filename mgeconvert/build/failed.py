"""What a failed check and its diagnosis say, read from their plain data; standard library only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mgeconvert.diagnose.result import Diagnosis
from mgeconvert.errors import CheckFailed, Location
from mgeconvert.manifest.job import Job
from mgeconvert.report.words import problem_of

AT = Location("diagnosis")
RANDOM = "random"  # how the names of cases with random inputs begin
OTHERWISE = "it failed, but otherwise than the manifest expects"
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


def as_expected(job: Job, problems: Iterable[Mapping[str, Any]]) -> bool:
    """Say whether the manifest expects the job to fail, and with one of these problems."""
    if job.expect == "pass":
        return False
    return any(job.error in problem_of(p) for p in problems if p["problem"] != OTHERWISE)


def told(job: Job, problems: Iterable[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Return the problems of a failed job, and another one where it should have failed otherwise.

    Problems that have been told already are returned as they are.
    """
    all = tuple(problems)
    if job.expect == "pass" or as_expected(job, all):
        return all
    hint = f"no error contains {job.error!r}; see what changed, then correct the manifest"
    other = CheckFailed(OTHERWISE, hint=hint).as_dict()
    return all if other in all else (*all, other)


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

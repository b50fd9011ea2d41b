"""What a report says, as data: the one structure that every rendering reads; standard library."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

# Version of report.json; a change that a reader could notice raises it.
SCHEMA = 1

# passed: checked and published; unchecked: published without a check; expected: failed, as the
# manifest says; missing: not built yet; disabled: not to be built.
State = Literal["passed", "unchecked", "failed", "expected", "missing", "disabled"]
STATES: tuple[State, ...] = ("passed", "unchecked", "expected", "failed", "missing", "disabled")


@dataclass(frozen=True, kw_only=True)
class FileRow:
    """One file of an artifact; `path` is relative to the manifest's folder."""

    name: str
    path: str
    sha256: str
    size: int
    published: bool


@dataclass(frozen=True, kw_only=True)
class Work:
    """One stage of a job: its key, what this run did, and seconds and bytes of when it was done.

    action: "made", "restored", "kept" or "failed", "" where nothing is known
    """

    key: str = ""
    action: str = ""
    seconds: float = 0.0
    peak_memory: int = 0
    output: str = ""


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """Everything known of one job.

    problems: as `ConvertError.as_dict` gives them
    settings: what the artifact depends on besides the source
    check_settings: what its check depends on besides
    made_from: the source's hash and form, and the toolchain
    check: the comparison's numbers, as `mgeconvert.check` gives them
    withdrawn, left: paths that this run removed, or left since someone had changed them
    """

    name: str
    model: str
    target: str
    format: str
    state: State
    reason: str
    description: str
    license: str
    tags: tuple[str, ...]
    source: str
    files: tuple[FileRow, ...]
    notes: tuple[str, ...]
    problems: tuple[dict[str, Any], ...]
    settings: Mapping[str, Any]
    check_settings: Mapping[str, Any]
    limits: Mapping[str, Any]
    made_from: Mapping[str, Any]
    check: Mapping[str, Any]
    conversion: Work
    checking: Work
    withdrawn: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def comparisons(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The compared outputs, each with the name of its case."""
        for case in self.check.get("cases", ()):
            for comparison in case["comparisons"]:
                yield case["name"], comparison

    @property
    def max_abs(self) -> float | None:
        """The largest absolute error of all outputs, None where nothing was compared."""
        errors = [float(comparison["max_abs"]) for _, comparison in self.comparisons]
        return max(errors, default=None)


@dataclass(frozen=True, kw_only=True)
class Orphan:
    """A published file whose job has left the manifest."""

    path: str
    job: str
    size: int
    changed: bool


@dataclass(frozen=True, kw_only=True)
class Report:
    """The jobs in the manifest's order, and what lies around."""

    manifest: str
    converter: str
    interrupted: bool
    jobs: tuple[JobRow, ...]
    orphans: tuple[Orphan, ...]

    @property
    def counts(self) -> dict[State, int]:
        """How many jobs are in each state that occurs."""
        counted = Counter(job.state for job in self.jobs)
        return {state: counted[state] for state in STATES if counted[state]}

    @property
    def models(self) -> dict[str, tuple[JobRow, ...]]:
        """The jobs by model, in order."""
        found: dict[str, list[JobRow]] = {}
        for job in self.jobs:
            found.setdefault(job.model, []).append(job)
        return {name: tuple(jobs) for name, jobs in found.items()}


def to_json(report: Report) -> str:
    """Return report.json: the schema's version, then every field; keys sorted, a line per job."""
    head = {
        "schema": SCHEMA,
        "counts": report.counts,
        "manifest": report.manifest,
        "converter": report.converter,
        "interrupted": report.interrupted,
        "orphans": report.orphans,
    }
    jobs = ",\n".join(map(_dump, report.jobs))
    return f'{_dump(head)[:-1]}, "jobs": [\n{jobs}\n]}}\n'


def _dump(data: Any) -> str:
    return json.dumps(data, sort_keys=True, ensure_ascii=False, default=vars)

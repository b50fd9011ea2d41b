"""Results as data: what the store keeps of a conversion and of a check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

# Version of the records' fields; a record of another version counts as absent.
RECORD_VERSION = 1


@dataclass(frozen=True)
class StoredFile:
    """One file of an artifact: its name, its hash and its size in bytes."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Facts:
    """How a result came about: seconds, bytes of peak memory, the end of its output."""

    seconds: float = 0.0
    peak: int = 0
    output: str = ""


NO_FACTS = Facts()


@dataclass(frozen=True)
class Result:
    """A conversion's outcome: the files of the artifact, the main one first, or the problems.

    `made_from` has the source's hash and the toolchain.
    """

    key: str
    job: str
    files: tuple[StoredFile, ...]
    notes: tuple[str, ...]
    problems: tuple[dict[str, Any], ...]
    made_from: Mapping[str, Any]
    facts: Facts

    @property
    def ok(self) -> bool:
        """Whether there is an artifact."""
        return not self.problems

    @property
    def artifact(self) -> dict[str, str]:
        """The artifact as plain data: the hashes of its files by name."""
        return {file.name: file.sha256 for file in self.files}

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON-able data; `result_from` is the inverse."""
        return {"version": RECORD_VERSION, "kind": "conversion", **_plain(asdict(self))}


@dataclass(frozen=True)
class Verdict:
    """A check's outcome: the problems, empty if passed, and the comparison's numbers."""

    key: str
    job: str
    problems: tuple[dict[str, Any], ...]
    details: Mapping[str, Any] = field(default_factory=dict)
    facts: Facts = NO_FACTS

    @property
    def ok(self) -> bool:
        """Whether the artifact computes what its source computes."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON-able data; `verdict_from` is the inverse."""
        return {"version": RECORD_VERSION, "kind": "check", **_plain(asdict(self))}


def result_from(data: Mapping[str, Any] | None) -> Result | None:
    """Rebuild a result; None where `data` is none of this version."""
    if not data or (data.get("version"), data.get("kind")) != (RECORD_VERSION, "conversion"):
        return None
    return Result(
        key=data["key"],
        job=data["job"],
        files=tuple(StoredFile(**file) for file in data["files"]),
        notes=tuple(data["notes"]),
        problems=tuple(data["problems"]),
        made_from=data["made_from"],
        facts=Facts(**data["facts"]),
    )


def verdict_from(data: Mapping[str, Any] | None) -> Verdict | None:
    """Rebuild a verdict; None where `data` is none of this version."""
    if not data or (data.get("version"), data.get("kind")) != (RECORD_VERSION, "check"):
        return None
    return Verdict(
        key=data["key"],
        job=data["job"],
        problems=tuple(data["problems"]),
        details=data["details"],
        facts=Facts(**data["facts"]),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value

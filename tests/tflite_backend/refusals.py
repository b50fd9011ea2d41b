"""The reviewed refusals, and which of them a problem is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import tomli

FILE = Path(__file__).parent / "refusals.toml"


@dataclass(frozen=True)
class Row:
    """`problem` is a regular expression for the whole message."""

    ops: tuple[str, ...]
    problem: str
    reason: str

    def covers(self, op: str, problem: str) -> bool:
        return op in self.ops and re.fullmatch(self.problem, problem) is not None


@dataclass(frozen=True)
class Traced:
    """`case` is a regular expression for the whole of what a case of MegEngine is called."""

    case: str
    problem: str
    reason: str


@cache
def _contents() -> dict[str, Any]:
    return tomli.loads(FILE.read_text())


def rows() -> list[Row]:
    return [Row(tuple(r["ops"]), r["problem"], r["reason"]) for r in _contents().get("refusal", [])]


def traced() -> list[Traced]:
    """Return what is refused of the models that MegEngine makes."""
    return [Traced(r["case"], r["problem"], r["reason"]) for r in _contents().get("traced", [])]

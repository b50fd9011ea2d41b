"""The reviewed refusals, and which of them a problem is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

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


def rows() -> list[Row]:
    found = tomli.loads(FILE.read_text()).get("refusal", [])
    return [Row(tuple(r["ops"]), r["problem"], r["reason"]) for r in found]

"""The reviewed refusals, and which of them a problem is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import tomli

from mgeconvert.errors import ConvertError


@dataclass(frozen=True)
class Row:
    ops: tuple[str, ...]
    problem: str
    opsets: tuple[int, int]
    reason: str
    lowest: int | None = None

    def covers(self, refusal: Refusal) -> bool:
        first, last = self.opsets
        return (
            refusal.op in self.ops
            and refusal.problem.endswith(self.problem.format(op=refusal.op))
            and first <= refusal.opset <= last
        )


@dataclass(frozen=True)
class Refusal:
    op: str
    opset: int
    problem: str
    lowest: int | None


def rows() -> list[Row]:
    text = (Path(__file__).parent / "refusals.toml").read_text()
    return [
        Row(tuple(r["ops"]), r["problem"], tuple(r["opsets"]), r["reason"], r.get("lowest"))
        for r in tomli.loads(text)["refusal"]
    ]


def refusal(op: str, opset: int, error: ConvertError) -> Refusal:
    """Return what `error` says; the hint names the lowest opset that can."""
    found = re.search(r"use opset (\d+) or newer", error.hint)
    return Refusal(op, opset, error.problem, int(found[1]) if found else None)

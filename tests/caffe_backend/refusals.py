"""The reviewed refusals, and which of them a problem is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import tomli

from mgeconvert.errors import ConvertError


@dataclass(frozen=True)
class Refusal:
    """What a dialect refuses of an operator."""

    op: str
    dialect: str
    problem: str


@dataclass(frozen=True)
class Row:
    """`problem` is a regular expression for the whole message."""

    ops: tuple[str, ...]
    dialects: tuple[str, ...]
    problem: str
    reason: str

    def covers(self, refusal: Refusal) -> bool:
        return (
            refusal.op in self.ops
            and refusal.dialect in self.dialects
            and re.fullmatch(self.problem, refusal.problem) is not None
        )


def rows() -> list[Row]:
    text = (Path(__file__).parent / "refusals.toml").read_text()
    return [
        Row(tuple(r["ops"]), tuple(r["dialects"]), r["problem"], r["reason"])
        for r in tomli.loads(text)["refusal"]
    ]


def refusals(op: str, dialect: str, problems: tuple[ConvertError, ...]) -> list[Refusal]:
    return [Refusal(op, dialect, p.problem) for p in problems]

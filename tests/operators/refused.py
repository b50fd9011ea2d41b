"""The reviewed lists of what is refused, and why."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import tomli

from tests.cases import Case

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Refusal:
    """Cases that `source` cannot bring to ONNX at the opsets, or that its frontend refuses.

    `cases` are patterns of expressions, in which * stands for any text and [[] for a bracket;
    `operands` is a pattern of the rest of the case's name. `opsets` is a range, or None where the
    frontend refuses.
    """

    cases: tuple[str, ...]
    operands: str
    sources: tuple[str, ...]
    opsets: range | None
    reason: str

    def covers(self, case: Case, source: str) -> bool:
        operands = case.id.removeprefix(case.expression).removeprefix(" | ")
        return (
            source in self.sources
            and any(fnmatchcase(case.expression, pattern) for pattern in self.cases)
            and fnmatchcase(operands, self.operands)
        )


@functools.cache
def refusals() -> tuple[Refusal, ...]:
    """The rows of refusals.toml."""
    rows = tomli.loads((HERE / "refusals.toml").read_text())["refusal"]
    return tuple(_refusal(row) for row in rows)


@functools.cache
def not_handled() -> dict[str, str]:
    """The reasons of not_handled.toml by key of a rule."""
    rows = tomli.loads((HERE / "not_handled.toml").read_text())["group"]
    pairs = [(key, row["reason"]) for row in rows for key in row["keys"]]
    assert len(dict(pairs)) == len(pairs), "a key is listed twice"
    return dict(pairs)


def frontend_refuses(case: Case, source: str) -> bool:
    """Return whether a row says that the frontend refuses the case."""
    return any(r.opsets is None and r.covers(case, source) for r in refusals())


def backend_refuses(case: Case, source: str, opset: int) -> bool:
    """Return whether a row says that ONNX at `opset` has no place for the case."""
    rows = (r for r in refusals() if r.opsets is not None and opset in r.opsets)
    return any(row.covers(case, source) for row in rows)


def _refusal(row: dict[str, Any]) -> Refusal:
    unknown = row.keys() - {"cases", "operands", "sources", "opsets", "reason"}
    assert not unknown, f"refusals.toml: {unknown}"
    opsets = None
    if "opsets" in row:
        first, _, last = row["opsets"].partition("-")
        opsets = range(int(first), int(last) + 1)
    sources = tuple(row.get("sources", ["tm", "mge"]))
    return Refusal(tuple(row["cases"]), row.get("operands", "*"), sources, opsets, row["reason"])

"""The reviewed list of what MegEngine's own dumps do not do."""

from __future__ import annotations

import functools
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import tomli

from tests.cases import Case

HERE = Path(__file__).parent


@functools.cache
def rows() -> tuple[dict[str, Any], ...]:
    """The rows of dumps.toml."""
    return tuple(tomli.loads((HERE / "dumps.toml").read_text())["dump"])


def row_of(case: Case, kind: str) -> dict[str, Any] | None:
    """Return the row of this kind that a case has, None where it has none.

    "error": MegEngine cannot dump it or load the dump; "baked": the dump holds the batch size;
    "differs": the dump computes something else than the module.
    """
    fitting = (row for row in rows() if row["kind"] == kind)
    return next((r for r in fitting if any(fnmatchcase(case.id, p) for p in r["cases"])), None)

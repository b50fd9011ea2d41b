"""The support tables say what the rules say."""

from __future__ import annotations

from pathlib import Path

from mgeconvert import support
from mgeconvert.ir import CATALOGUE
from mgeconvert.rules import Rules

ROOT = Path(__file__).parents[2]


def test_the_document_is_up_to_date() -> None:
    written = (ROOT / support.TABLES).read_text(encoding="utf-8")
    assert written == support.document(), "run: python -m mgeconvert.support"


def test_the_file_is_written_where_asked(tmp_path: Path) -> None:
    support.main([str(tmp_path / "tables.md")])
    assert (tmp_path / "tables.md").read_text(encoding="utf-8") == support.document()


def test_every_operator_has_a_row() -> None:
    document = support.document()
    assert all(f"| `{name}` |" in document for name in CATALOGUE)


def test_versions_and_limits_are_shown() -> None:
    rules: Rules[str, object] = Rules("toy", unit="release")
    rules("module:B", since=2, limits="not | dilated")(test_versions_and_limits_are_shown)
    rules("module:A")(test_versions_and_limits_are_shown)
    (table,) = support._sources(rules)
    assert table.splitlines()[2:] == ["| `A` |  |", "| `B` | not \\| dilated |"]

"""The operator support tables, from the rules: `python -m mgeconvert.support [FILE]`."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mgeconvert.backends import NAMES as BACKENDS
from mgeconvert.frontends import READERS
from mgeconvert.ir import CATALOGUE
from mgeconvert.rules import Rule, Rules

TABLES = Path("docs/operators.md")

HEAD = """# Operators

Written by `python -m mgeconvert.support` from the rules; a test compares the two. Do not edit.
"""

SOURCE_TITLES = {
    "traced": (
        "From TracedModules (`.tm`)",
        "Modules are those of `megengine.module`, functions those below `megengine.functional`.",
    ),
    "mge": ("From dumped graphs (`.mge`)", "The operators are those of MegEngine's `opdefs`."),
    "onnx": ("From ONNX", "The operators of the default domain, each from the opset given."),
}
TARGET_HEAD = """## To the target formats

The operators are those of the intermediate representation. A target's column says from which
version on there is a rule; more numbers are versions at which another rule takes over.
"""


def document() -> str:
    """Return the text of `docs/operators.md`."""
    parts = [HEAD]
    for name in READERS:
        title, note = SOURCE_TITLES[name]
        parts += [f"## {title}\n\n{note}\n", *_sources(_rules("frontends", name))]
    parts += [TARGET_HEAD, _targets({name: _rules("backends", name) for name in BACKENDS})]
    return "\n".join(parts)


def _rules(side: str, name: str) -> Rules[Any, Any]:
    rules: Rules[Any, Any] = importlib.import_module(f"mgeconvert.{side}.{name}.rules").RULES
    return rules


def _sources(rules: Rules[Any, Any]) -> list[str]:
    """One table for each kind of key: the part before the colon, or operators."""
    kinds: dict[str, list[tuple[str, str]]] = {}
    for key, versions in rules:
        kind, _, name = str(key).rpartition(":")
        kinds.setdefault(kind or "operator", []).append((f"`{name}`", _limits(versions)))
    return [_table((kind, "limits"), sorted(rows)) for kind, rows in sorted(kinds.items())]


def _targets(tables: Mapping[str, Rules[Any, Any]]) -> str:
    """One row for each operator of the IR, two columns for each target."""
    head = ["operator", "meaning"]
    for name, rules in tables.items():
        head += [f"{name}, by {rules.unit}", "limits"]
    found = {name: _expressible(name) for name in tables}
    rows = []
    for name, op in sorted(CATALOGUE.items()):
        row = [f"`{name}`", _first_line(inspect.getdoc(op) or "")]
        for table in found.values():
            versions = table.get(op, ())
            row += [", ".join(str(rule.since) for rule in versions) or "-", _limits(versions)]
        rows.append(tuple(row))
    return _table(head, rows)


def _expressible(name: str) -> Mapping[Any, Any]:
    """Return the rules of a backend by operator, with those that rewrite to others."""
    module = importlib.import_module(f"mgeconvert.backends.{name}.rules")
    return dict(getattr(module, "OPERATORS", module.RULES))


def _first_line(text: str) -> str:
    return text.split("\n\n")[0].replace("\n", " ")


def _limits(versions: Sequence[Rule[Any]]) -> str:
    return "; ".join(dict.fromkeys(rule.limits for rule in versions if rule.limits))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(_cell(c) for c in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(arguments: Sequence[str]) -> None:
    """Write the tables to the file that is named, or to the one of this checkout."""
    path = Path(arguments[0]) if arguments else TABLES
    path.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

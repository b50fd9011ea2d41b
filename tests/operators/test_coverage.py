"""Every rule is met by a case, and every name of MegEngine has a rule or a reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from mgeconvert.frontends import traced
from mgeconvert.frontends.traced.lift import class_key, key
from mgeconvert.frontends.traced.records import CallModule, Constant, GetAttr, Graph
from mgeconvert.frontends.traced.rules import RULES
from tests.cases import FAMILIES
from tests.cases.prepared import files
from tests.operators.refused import Refusal, not_handled, refusals

NAMES = json.loads(Path(traced.__file__).with_name("names.json").read_text())
HANDLED = {handled for handled, _ in RULES}


def keys_of(graph: Graph) -> Iterator[str]:
    """The keys of the rules that lifting a graph needs."""
    for expression in graph.expressions:
        if isinstance(expression, (GetAttr, Constant)):
            continue
        if isinstance(expression, CallModule) and expression.graph is not None:
            yield from keys_of(expression.graph)
        else:
            yield key(expression)


def known_names() -> Iterator[str]:
    """The key of each name that a .tm may hold."""
    for module, names in NAMES["functions"].items():
        below = module.removeprefix("megengine.functional.")
        yield from (f"function:{below}.{name}" for name in names)
    for module, names in NAMES["classes"].items():
        yield from ("module:" + class_key(f"{module}.{name}") for name in names)
    yield from (f"method:{name}" for name in NAMES["methods"])
    yield from (f"apply:{name}" for name in NAMES["opdefs"])


QUANTIZED = ("module:qat.", "module:quantized.")
"""Rules whose cases are in tests/quant, for they need rounding."""


def test_every_rule_is_met_by_a_case() -> None:
    met: set[str] = set()
    for family in FAMILIES.values():
        for case in family:
            made = files(case, family)
            if "tm" not in made.failures:
                met.update(keys_of(traced.read(made.tm).graph))
    elsewhere = {key for key in HANDLED if key.startswith(QUANTIZED)}
    assert not sorted(HANDLED - met - elsewhere), "rules without a case"


def test_every_name_has_a_rule_or_a_reason() -> None:
    patterns = not_handled()
    missing = [
        name
        for name in known_names()
        if name not in HANDLED and not any(fnmatchcase(name, p) for p in patterns)
    ]
    assert not missing


@pytest.mark.parametrize("pattern", not_handled())
def test_every_reason_is_needed(pattern: str) -> None:
    named = [name for name in known_names() if fnmatchcase(name, pattern)]
    assert named, "no such name"
    assert not HANDLED.intersection(named), "there is a rule"


@pytest.mark.parametrize("row", refusals(), ids=lambda row: row.cases[0])
def test_every_refusal_is_of_a_case(row: Refusal) -> None:
    for source in row.sources:
        covered = [c for cases in FAMILIES.values() for c in cases if row.covers(c, source)]
        assert covered, f"no case from {source}"
    for pattern in row.cases:
        alone = Refusal((pattern,), row.operands, row.sources, row.opsets, row.reason)
        assert any(alone.covers(c, row.sources[0]) for cs in FAMILIES.values() for c in cs), pattern

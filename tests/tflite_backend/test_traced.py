"""Every operator case of MegEngine from `.tm`: LiteRT computes what MegEngine computes."""

from __future__ import annotations

import re

import pytest

from mgeconvert.errors import ConversionFailed
from tests.cases import FAMILIES, Case
from tests.operators import running as operators
from tests.operators.refused import frontend_refuses
from tests.tflite_backend.refusals import Traced, traced
from tests.tflite_backend.running import export, run

pytestmark = pytest.mark.slow  # half a minute

TABLE = [
    pytest.param(case, family, id=f"{family}: {case.id}")
    for family, cases in FAMILIES.items()
    for case in cases
]


def row_of(case: Case) -> Traced | None:
    return next((row for row in traced() if re.fullmatch(row.case, case.id)), None)


@pytest.mark.parametrize(("case", "family"), TABLE)
def test_litert_computes_what_megengine_does(case: Case, family: str) -> None:
    made = operators.case_files(case, family, "tm")
    if frontend_refuses(case, "tm"):
        return
    graph = operators.read(case, made, "tm")
    names = [port.name for port in graph.outputs]
    row = row_of(case)
    if row is not None:
        with pytest.raises(ConversionFailed) as raised:
            export(graph)
        assert all(re.fullmatch(row.problem, p.problem) for p in raised.value.problems)
        return
    model = export(graph)
    for suffix in ("", "5") if case.dynamic else ("",):
        got = run(model, made.feeds(suffix))
        operators.compare(case, [got[name] for name in names], made.outputs(suffix))


@pytest.mark.parametrize("row", traced(), ids=[row.case for row in traced()])
def test_rows_are_of_cases(row: Traced) -> None:
    assert any(re.fullmatch(row.case, case.id) for cases in FAMILIES.values() for case in cases)
    assert row.reason

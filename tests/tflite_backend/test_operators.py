"""Every operator: LiteRT computes what the IR says it means, or a reviewed row says why not."""

from __future__ import annotations

from functools import cache

import pytest

from mgeconvert.errors import ConversionFailed
from mgeconvert.ir import evaluate
from tests.onnx_backend.case import Case
from tests.onnx_backend.running import difference
from tests.tflite_backend.cases import CASES
from tests.tflite_backend.refusals import Row, rows
from tests.tflite_backend.running import export, run


@cache
def exported(case: Case) -> tuple[bytes | None, tuple[str, ...]]:
    """Export the case: the file, or what is refused."""
    try:
        return export(case.graph()), ()
    except ConversionFailed as error:
        assert all(p.at is not None for p in error.problems), "a refusal must say where"
        return None, tuple(p.problem for p in error.problems)


@pytest.mark.parametrize("case", CASES, ids=[c.label for c in CASES])
def test_operator(case: Case) -> None:
    model, refused = exported(case)
    if model is None:
        for problem in refused:
            assert any(row.covers(case.name, problem) for row in rows()), problem
        return
    for sizes in case.sizes:
        feeds = case.feeds(dict(sizes))
        got = run(model, feeds)
        for name, want in evaluate(case.graph(), feeds).items():
            assert not difference(want, got[name], rtol=case.rtol, atol=case.atol), name


@pytest.mark.parametrize("row", rows(), ids=[f"{r.ops[0]} {r.problem}" for r in rows()])
def test_refusals_happen(row: Row) -> None:
    found = {
        case.name
        for case in CASES
        if case.name in row.ops
        for problem in exported(case)[1]
        if row.covers(case.name, problem)
    }
    assert found == {*row.ops}
    assert row.reason

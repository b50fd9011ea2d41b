"""Every operator case of MegEngine: `.tm` -> IR -> ONNX -> IR computes what the first IR does."""

from __future__ import annotations

import numpy as np
import pytest

from mgeconvert.ir import evaluate
from tests.cases import FAMILIES, Case
from tests.onnx_frontend.round_trip import export, read_bytes
from tests.operators import running
from tests.operators.refused import backend_refuses, frontend_refuses

pytestmark = pytest.mark.slow

TABLE = [
    pytest.param(case, family, id=f"{family}: {case.id}")
    for family, cases in FAMILIES.items()
    for case in cases
    if not frontend_refuses(case, "tm")
]
USUAL = 13
BOUNDARIES = (7, 9, 11, USUAL, 18, 21, 23)  # test_round_trip.py has every operator at all opsets
CHOSEN = [pytest.param(n, marks=() if n == USUAL else pytest.mark.full) for n in BOUNDARIES]


@pytest.mark.parametrize("opset", CHOSEN)
@pytest.mark.parametrize(("case", "family"), TABLE)
def test_numbers_are_equal(case: Case, family: str, opset: int) -> None:
    if backend_refuses(case, "tm", opset):
        return  # reviewed in tests/operators/refusals.toml
    made = running.case_files(case, family, "tm")
    first = running.read(case, made, "tm")
    feeds = [made.feeds(suffix) for suffix in (("", "5") if case.dynamic else ("",))]
    want = [evaluate(first, {p.name: f[p.name] for p in first.inputs}) for f in feeds]
    again = read_bytes(export(first, opset))
    for arrays, expected in zip(feeds, want):
        got = evaluate(again, {p.name: arrays[p.name] for p in again.inputs})
        assert list(got) == list(expected)
        running.compare(case, list(got.values()), list(expected.values()))
        assert all(isinstance(a, np.ndarray) for a in got.values())

"""Every operator case from `.tm`: through the IR's interpreter and through ONNX in onnxruntime."""

from __future__ import annotations

import pytest

from tests.cases import FAMILIES, Case
from tests.operators import running

TABLE = [
    pytest.param(case, family, id=f"{family}: {case.id}")
    for family, cases in FAMILIES.items()
    for case in cases
]
BOUNDARIES = (7, 11, 13, 17, 23)
OPSETS = [pytest.param(n, marks=() if n in BOUNDARIES else pytest.mark.full) for n in range(7, 24)]


@pytest.mark.parametrize(("case", "family"), TABLE)
def test_interpreted(case: Case, family: str) -> None:
    running.check_interpreted(case, family, "tm")


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize(("case", "family"), TABLE)
def test_onnx(case: Case, family: str, opset: int) -> None:
    running.check_onnx(case, family, "tm", opset)

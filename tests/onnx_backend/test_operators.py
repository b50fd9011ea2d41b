"""Every operator, exported at the opsets, computes in a runtime what the IR says it means."""

from __future__ import annotations

import pytest

from mgeconvert.backends.onnx.rules.table import NEWEST, OLDEST
from mgeconvert.errors import ConversionFailed
from mgeconvert.ir import CATALOGUE, evaluate
from tests.onnx_backend.case import Case
from tests.onnx_backend.cases import CASES
from tests.onnx_backend.running import Options, difference, export, run, structure

OPSETS = range(OLDEST, NEWEST + 1)
ALWAYS = {7, 13, 17, 23}


def refusal(error: ConversionFailed) -> str:
    (problem,) = error.problems
    return f"{problem}"


def exports(case: Case) -> tuple[dict[int, bytes], dict[int, str]]:
    """Export the case at every opset: the models, and the refusals."""
    models, refusals = {}, {}
    for opset in OPSETS:
        try:
            models[opset] = export(case.graph(), Options(opset))
        except ConversionFailed as error:
            refusals[opset] = refusal(error)
    return models, refusals


def boundaries(models: dict[int, bytes]) -> list[int]:
    """Return the opsets at which the exported graph differs from the one before, and some more."""
    before, chosen = None, []
    for opset, model in models.items():
        now = structure(model)
        if now != before or opset in ALWAYS:
            chosen.append(opset)
        before = now
    return chosen


def wrong(case: Case, models: dict[int, bytes], opsets: list[int]) -> list[str]:
    feeds = case.feeds({})
    want = evaluate(case.graph(), feeds)
    problems = []
    for opset in opsets:
        got, runtime = run(models[opset], feeds)
        for name, array in want.items():
            text = difference(array, got[name], rtol=case.rtol, atol=case.atol)
            if text:
                problems.append(f"opset {opset}, {name}, {runtime}: {text}")
    return problems


def test_every_operator_has_cases() -> None:
    missing = {*CATALOGUE} - {c.name for c in CASES}
    assert missing == {"DimVector"}  # has no operands: test_symbolic


def test_labels_are_unique() -> None:
    labels = [c.label for c in CASES]
    assert sorted({x for x in labels if labels.count(x) > 1}) == []


@pytest.mark.parametrize("case", CASES, ids=[c.label for c in CASES])
def test_operator(case: Case) -> None:
    models, _ = exports(case)
    assert wrong(case, models, boundaries(models)) == []

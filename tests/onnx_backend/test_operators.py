"""Every operator, exported at the opsets, computes in a runtime what the IR says it means."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import tomli

from mgeconvert.backends.onnx.rules.table import NEWEST, OLDEST
from mgeconvert.errors import ConversionFailed
from mgeconvert.ir import CATALOGUE, evaluate
from tests.onnx_backend.case import Case
from tests.onnx_backend.cases import CASES
from tests.onnx_backend.refusals import Refusal, Row, refusal, rows
from tests.onnx_backend.running import Options, difference, export, run

OPSETS = range(OLDEST, NEWEST + 1)
KERNELS_LACKING = tomli.loads((Path(__file__).parent / "kernels_lacking.toml").read_text())


@cache
def exports(case: Case) -> tuple[dict[int, bytes], tuple[Refusal, ...]]:
    """Export the case at every opset: the models, and the refusals."""
    models, refusals = {}, []
    for opset in OPSETS:
        try:
            models[opset] = export(case.graph(), Options(opset))
        except ConversionFailed as error:
            (problem,) = error.problems
            refusals.append(refusal(case.name, opset, problem))
    return models, tuple(refusals)


@cache
def results(case: Case) -> tuple[tuple[str, ...], frozenset[int]]:
    """Run the models: what is wrong, and the opsets at which onnxruntime lacks a kernel."""
    problems, lacking = [], set()
    for sizes in case.sizes if exports(case)[0] else ():
        feeds = case.feeds(dict(sizes))
        want = evaluate(case.graph(), feeds)
        for opset, model in exports(case)[0].items():
            got, runtime = run(model, feeds)
            if runtime != "onnxruntime":
                lacking.add(opset)
            for name, array in want.items():
                text = difference(array, got[name], rtol=case.rtol, atol=case.atol)
                if text:
                    problems.append(f"opset {opset}, {name}, {sizes}, {runtime}: {text}")
    return tuple(problems), frozenset(lacking)


def test_every_operator_has_cases() -> None:
    assert {*CATALOGUE} == {c.name for c in CASES}


def test_labels_are_unique() -> None:
    labels = [c.label for c in CASES]
    assert sorted({x for x in labels if labels.count(x) > 1}) == []


@pytest.mark.parametrize("case", CASES, ids=[c.label for c in CASES])
def test_operator_at_every_opset(case: Case) -> None:
    problems, lacking = results(case)
    assert problems == ()
    if lacking:
        assert case.dtype.value in KERNELS_LACKING.get(case.name, ())


def test_lacking_kernels_are_lacking() -> None:
    """What is listed as run by onnx.reference does need it."""
    found: dict[str, set[str]] = {}
    for case in CASES:
        if case.name in KERNELS_LACKING and results(case)[1]:
            found.setdefault(case.name, set()).add(case.dtype.value)
    assert {op: sorted(types) for op, types in found.items()} == KERNELS_LACKING


def test_refusals_are_reviewed() -> None:
    known = rows()
    for case in CASES:
        models, refusals = exports(case)
        for found in refusals:
            lowest = {row.lowest for row in known if row.covers(found)}
            assert lowest == {found.lowest}, f"{case.label} at {found.opset}: {found.problem}"
            assert found.lowest is None or found.lowest in models, case.label


@pytest.mark.parametrize("row", rows(), ids=[f"{r.ops[0]} {r.problem}" for r in rows()])
def test_refusals_happen(row: Row) -> None:
    refusals = [found for case in CASES if case.name in row.ops for found in exports(case)[1]]
    covered = [found for found in refusals if row.covers(found)]
    assert {found.opset for found in covered} == {*range(row.opsets[0], row.opsets[1] + 1)}
    assert {found.op for found in covered} == {*row.ops}
    assert row.reason

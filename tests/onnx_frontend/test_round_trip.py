"""Operators of the IR to ONNX and back: equal numbers, and the same graph where ONNX has it."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli

from mgeconvert.errors import ConversionFailed
from mgeconvert.ir import evaluate
from tests.onnx_backend.case import Case
from tests.onnx_backend.cases import CASES
from tests.onnx_backend.running import difference
from tests.onnx_frontend.round_trip import BOUNDARIES, OPSETS, export, is_same, read_bytes

pytestmark = pytest.mark.slow

NEWEST = OPSETS[-1]
OTHERWISE = tomli.loads((Path(__file__).parent / "otherwise.toml").read_text())
"""By operator: why some of its cases come back as other operators."""


@pytest.mark.parametrize(
    "opset", [pytest.param(n, marks=() if n in BOUNDARIES else pytest.mark.full) for n in OPSETS]
)
@pytest.mark.parametrize("case", CASES, ids=[c.label for c in CASES])
def test_numbers_are_equal(case: Case, opset: int) -> None:
    try:
        model = export(case.graph(), opset)
    except ConversionFailed:
        return  # reviewed in tests/onnx_backend/refusals.toml
    graph = read_bytes(model)
    for sizes in case.sizes:
        feeds = case.feeds(dict(sizes))
        want = evaluate(case.graph(), feeds)
        got = evaluate(graph, {p.name: feeds[p.name] for p in graph.inputs})
        assert list(got) == list(want)
        for name, array in want.items():
            assert difference(array, got[name], rtol=case.rtol, atol=case.atol) == ""


def comes_back(case: Case) -> bool | None:
    """Whether the graph is the same after the way to ONNX and back; None where ONNX refuses it."""
    graph = case.graph()
    try:
        model = export(graph, NEWEST)  # which also runs the backend's passes on the graph
    except ConversionFailed:
        return None
    return is_same(graph, read_bytes(model))


NAMES = sorted({c.name for c in CASES})


@pytest.mark.parametrize("name", NAMES)
def test_graph_is_the_same(name: str) -> None:
    cases = [c for c in CASES if c.name == name]
    other = [c.label for c in cases if comes_back(c) is False]
    if name in OTHERWISE:
        assert other, f"{name} always comes back as it was: drop its row in otherwise.toml"
    else:
        assert other == []


def test_rows_name_operators() -> None:
    assert set(OTHERWISE) <= set(NAMES)
    assert all(OTHERWISE.values())

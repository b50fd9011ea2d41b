"""Every family of the zoo: `.tm` -> IR -> ONNX -> IR, against what MegEngine computes."""

from __future__ import annotations

import pytest

from mgeconvert.ir import evaluate
from tests.onnx_frontend.round_trip import export, read_bytes
from tests.zoo import FAMILIES, feeds
from tests.zoo.test_convert import compare, graph, own_batch

OPSETS = [pytest.param(n, marks=() if n == 17 else pytest.mark.full) for n in range(7, 24)]


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("name", FAMILIES)
def test_round_trip(name: str, opset: int) -> None:
    again = read_bytes(export(graph(name, symbolic=False), opset))
    assert [p.name for p in again.inputs] == [port.name for port in FAMILIES[name].inputs]
    compare(name, list(evaluate(again, feeds(name)).values()), own_batch(name))


@pytest.mark.full
@pytest.mark.parametrize("name", FAMILIES)
def test_round_trip_at_any_batch(name: str) -> None:
    again = read_bytes(export(graph(name, symbolic=True), 17))
    for batch in FAMILIES[name].batches:
        compare(name, list(evaluate(again, feeds(name, batch)).values()), batch)

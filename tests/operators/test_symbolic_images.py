"""Layers on images whose batch, height and width are all symbolic."""

from __future__ import annotations

import pytest

from mgeconvert import frontends
from mgeconvert.errors import ConversionFailed, ShapeError, UnsupportedCase
from mgeconvert.ir import Graph, evaluate, verify
from tests.cases import FAMILIES, Case
from tests.cases.prepared import files
from tests.operators import running

LAYERS = ("conv", "transposed", "pool", "norm", "activation", "resize")
TABLE = [
    pytest.param(case, family, id=f"{family}: {case.id}")
    for family in LAYERS
    for case in FAMILIES[family]
    if case.dynamic and [len(data.shape) for _, data in case.data] == [4]
]
NEED_SIZES = (
    "Adaptive",  # windows that depend on the size, but for one that takes all
    "adaptive",
    "LayerNorm((3, 4, 5)",  # parameters as large as the image
    "LayerNorm([5]",
    "GeneralNorm",
    "scale_factor=1.3",  # no whole multiple of a small fraction
    "scale_factor=(0.5, 1.7)",
)


def read(case: Case, family: str) -> Graph:
    ((name, data),) = case.data
    shapes = {name: ("N", data.shape[1], "H", "W")}
    return frontends.read(files(case, FAMILIES[family]).tm, shapes=shapes, outputs=())


@pytest.mark.parametrize(("case", "family"), TABLE)
def test_any_size(case: Case, family: str) -> None:
    made = files(case, FAMILIES[family])
    try:
        graph = read(case, family)
    except ConversionFailed as error:
        assert any(part in case.id for part in NEED_SIZES), error
        assert all(isinstance(p, (UnsupportedCase, ShapeError)) for p in error.problems)
        return
    verify(graph)
    (port,) = graph.inputs
    model = running.runner(running.to_onnx(graph, 13))
    for suffix in ("", "5"):
        (array,) = made.feeds(suffix).values()
        want = made.outputs(suffix)
        running.compare(case, list(evaluate(graph, {port.name: array}).values()), want)
        running.compare(case, model({port.name: array}), want)


def test_most_layers_take_any_size() -> None:
    """The list of exceptions must not swallow the table."""
    free = [p for p in TABLE if not any(part in str(p.id) for part in NEED_SIZES)]
    assert len(free) > 200

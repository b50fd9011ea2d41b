"""Every operator case from `.tm`: through the IR's interpreter and through ONNX in onnxruntime."""

from __future__ import annotations

from collections import Counter

import pytest

from mgeconvert.frontends import traced
from tests.cases import FAMILIES, Case
from tests.operators import running
from tests.operators.refused import frontend_refuses

TABLE = [
    pytest.param(case, family, id=f"{family}: {case.id}")
    for family, cases in FAMILIES.items()
    for case in cases
]
BOUNDARIES = (7, 11, 13, 17, 23)
FAST = 13  # the one opset of `make test-fast`


def marks(opset: int) -> tuple[pytest.MarkDecorator, ...]:
    if opset == FAST:
        return ()
    return (pytest.mark.slow,) if opset in BOUNDARIES else (pytest.mark.full,)


OPSETS = [pytest.param(opset, marks=marks(opset)) for opset in range(7, 24)]


@pytest.mark.parametrize(("case", "family"), TABLE)
def test_interpreted(case: Case, family: str) -> None:
    running.check_interpreted(case, family, "tm")


@pytest.mark.parametrize(("case", "family"), TABLE)
def test_names(case: Case, family: str) -> None:
    """Ports are called as MegEngine calls the values, with _1, _2 ... for one that comes again."""
    made = running.case_files(case, family, "tm")
    if frontend_refuses(case, "tm"):
        return
    names: list[str] = []
    seen: Counter[str] = Counter()
    for node in traced.read(made.tm).graph.outputs:
        names.append(f"{node.name}_{seen[node.name]}" if seen[node.name] else node.name)
        seen[node.name] += 1
    graph = running.read(case, made, "tm")
    assert [port.name for port in graph.inputs] == [name for name, _ in case.data]
    assert [port.name for port in graph.outputs] == names


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize(("case", "family"), TABLE)
def test_onnx(case: Case, family: str, opset: int) -> None:
    running.check_onnx(case, family, "tm", opset)

"""ONNX's node tests: the IR that is read computes what ONNX says, or the refusal is reviewed."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import tomli

from mgeconvert.errors import ConversionFailed, UnsupportedCase, UnsupportedOp
from mgeconvert.ir import Graph, evaluate
from tests.onnx_frontend.node_tests import NodeTest, node_tests
from tests.onnx_frontend.round_trip import read_bytes

pytestmark = pytest.mark.slow

LEAST = 1257  # tests that the installed ONNX has about tensors at the opsets that are read
HALF = 2e-3  # float16 rounds each step of a composition


@dataclass(frozen=True)
class Row:
    tests: tuple[str, ...]
    but: tuple[str, ...]
    reason: str

    def covers(self, name: str) -> bool:
        return _matches(name, self.tests) and not _matches(name, self.but)


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def rows() -> list[Row]:
    text = (Path(__file__).parent / "node_tests.toml").read_text()
    return [
        Row(tuple(r["tests"]), tuple(r.get("but", ())), r["reason"])
        for r in tomli.loads(text)["refused"]
    ]


def read(test: NodeTest) -> Graph:
    """Read the model; where inputs decide shapes they are made constants, as models have them."""
    for first in (len(test.feeds), 1):
        try:
            return read_bytes(test.fixed(first))
        except ConversionFailed as error:
            assert all(isinstance(p, (UnsupportedCase, UnsupportedOp)) for p in error.problems)
            assert all(p.at is not None and p.at.op for p in error.problems), error
    return read_bytes(test.fixed(0))


@cache
def outcomes() -> tuple[dict[str, str], dict[str, str]]:
    """Return the refusals, and what is wrong with the numbers of the others, by name."""
    refused, wrong = {}, {}
    for name, test in node_tests().items():
        try:
            graph = read(test)
        except ConversionFailed as error:
            refused[name] = str(error)
            continue
        with np.errstate(all="ignore"):
            got = evaluate(graph, {p.name: test.feeds[p.name] for p in graph.inputs})
        text = "; ".join(filter(None, (_compare(test, k, a) for k, a in got.items())))
        if text:
            wrong[name] = text
    return refused, wrong


def _compare(test: NodeTest, name: str, got: np.ndarray) -> str:
    want = test.wanted[name]
    if got.dtype != want.dtype or got.shape != want.shape:
        return f"{name}: {got.dtype}{got.shape} instead of {want.dtype}{want.shape}"
    least = (HALF, HALF) if want.dtype == np.float16 else (0.0, 1e-6)
    rtol, atol = max(test.rtol, least[0]), max(test.atol, least[1])
    exact = want.dtype.kind != "f"
    same = np.array_equal(got, want) if exact else np.allclose(got, want, rtol, atol, True)
    return "" if same else f"{name}: {got} instead of {want}"


def test_there_are_enough() -> None:
    assert len(node_tests()) >= LEAST


def test_numbers_are_those_of_onnx() -> None:
    assert outcomes()[1] == {}


def test_refusals_are_reviewed() -> None:
    unknown = {n: why for n, why in outcomes()[0].items() if not any(r.covers(n) for r in rows())}
    assert unknown == {}


def test_rows_are_refused() -> None:
    for row in rows():
        covered = {name for name in node_tests() if row.covers(name)}
        assert covered, f"no test is called {' or '.join(row.tests)}"
        assert covered <= set(outcomes()[0]), row.reason

"""Every operator in every dialect: OpenCV and our own reader compute what the IR says it means."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from mgeconvert.backends.caffe.dialects import DIALECTS
from mgeconvert.errors import ConversionFailed
from mgeconvert.ir import CATALOGUE, DType, evaluate
from tests.caffe_backend.cases import CASES
from tests.caffe_backend.refusals import Refusal, Row, refusals, rows
from tests.caffe_backend.running import (
    Files,
    Options,
    difference,
    export,
    run_opencv,
    run_reader,
    same_message,
)
from tests.onnx_backend.case import Case

TOLERANCE = 1e-5  # of the largest element
USUAL = ("bvlc", "opencv")
PAIRS = [
    pytest.param(
        case, name, id=f"{name} {case.label}", marks=() if name in USUAL else pytest.mark.slow
    )
    for name, dialect in DIALECTS.items()
    for case in CASES
    if not dialect.input_rank
    or all(
        len(o.shape) == dialect.input_rank and o.dtype is DType.F32
        for o in case.operands
        if not o.const
    )
]


@cache
def exported(case: Case, dialect: str) -> tuple[Files | None, tuple[Refusal, ...]]:
    """Export the case: the files, or what is refused."""
    try:
        return export(case.graph(), Options(dialect)), ()
    except ConversionFailed as error:
        assert all(p.at is not None for p in error.problems), "a refusal must say where"
        return None, tuple(refusals(case.name, dialect, error.problems))


def test_every_operator_has_cases() -> None:
    assert {*CATALOGUE} - {c.name for c in CASES} == CONSTANTS


CONSTANTS = {"Range", "DimVector"}  # constants where all sizes are fixed


@pytest.mark.parametrize(("case", "dialect"), PAIRS)
def test_operator(case: Case, dialect: str) -> None:
    files, refused = exported(case, dialect)
    if files is None:
        for found in refused:
            assert any(row.covers(found) for row in rows()), found
        return
    assert same_message(files)
    feeds = case.feeds({})
    want = evaluate(case.graph(), feeds)
    text, _ = files.nets()
    used = {layer.type for layer in text.layer}
    assert used <= DIALECTS[dialect].abilities
    for name, run in (("reader", run_reader), ("OpenCV", run_opencv)):
        got = run(files, feeds)
        assert [*got] == [*want], name
        for port, array in want.items():
            assert name == "reader" or got[port].dtype == array.dtype
            problem = different(array, got[port])
            assert not problem, f"{name}: {problem}"


def different(want: np.ndarray, got: np.ndarray) -> str:
    """Compare; infinities and NaN must be in the same places."""
    if want.shape == () and got.shape == (1,):
        got = got.reshape(())
    if want.shape != got.shape:
        return f"{got.shape} instead of {want.shape}"
    if not np.array_equal(np.where(np.isfinite(want), 0, want), finite(got), equal_nan=True):
        return f"{got} instead of {want}"
    keep = np.isfinite(want)
    return difference(want[keep], got[keep], tolerance=TOLERANCE) if keep.any() else ""


def finite(array: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(array), 0, array)


@pytest.mark.parametrize("row", rows(), ids=[f"{r.ops[0]} {r.problem}" for r in rows()])
def test_refusals_happen(row: Row) -> None:
    found = [
        refusal
        for pair in PAIRS
        if pair.values[0].name in row.ops and pair.values[1] in row.dialects
        for refusal in exported(*pair.values)[1]
        if row.covers(refusal)
    ]
    assert {r.op for r in found} == {*row.ops}
    assert {r.dialect for r in found} == {*row.dialects}
    assert row.reason

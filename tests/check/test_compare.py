"""The numbers of a comparison, against their definitions."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mgeconvert.check.compare import Tally, compare
from mgeconvert.check.result import Worst

pytestmark = pytest.mark.core
F32 = np.float32


def test_numbers_of_a_known_pair() -> None:
    want = np.array([[1, 2], [3, 4]], F32)
    got = np.array([[1, 2.5], [3, 3]], F32)
    result = compare("y", got, want, rtol=0.0, atol=0.75)
    assert (result.max_abs, result.max_rel) == (1.0, 0.25)
    assert result.outside == 1
    assert result.outside_share == 0.25
    assert result.worst == Worst((1, 1), 3.0, 4.0)
    assert result.snr_db == pytest.approx(10 * math.log10(30 / 1.25))
    assert result.cosine == pytest.approx(27 / math.sqrt(30 * 25.25))
    assert not result.ok
    assert "1 of 4 elements" in result.problems[0]
    assert "[1, 1], is 3 where the source gives 4" in result.problems[0]


def test_inside_the_tolerance_is_ok_and_still_names_the_worst() -> None:
    want, got = np.array([100.0, 1.0], F32), np.array([100.5, 1.25], F32)
    result = compare("y", got, want, rtol=0.01, atol=0.25)
    assert result.ok
    assert result.worst == Worst((1,), 1.25, 1.0)


def test_tolerance_is_relative_to_the_source() -> None:
    small, large = np.array([1.0], F32), np.array([2.0], F32)
    assert compare("y", small, large, rtol=0.5, atol=0.0).ok
    assert not compare("y", large, small, rtol=0.5, atol=0.0).ok


def test_a_tolerance_of_the_largest_element_holds_for_small_ones() -> None:
    want = np.array([-100.0, np.nan, np.inf, 0.0], F32)
    near, far = want.copy(), want.copy()
    near[3], far[3] = 0.9, 1.1
    assert compare("y", near, want, rtol=None, atol=None, rtol_max=0.01).ok
    result = compare("y", far, want, rtol=0.0, atol=0.0, rtol_max=0.01)
    assert result.outside == 1
    assert "rtol_max 0.01" in result.problems[0]
    assert compare("y", far, want, rtol=0.0, atol=0.2, rtol_max=0.01).ok


def test_a_tolerance_of_the_largest_element_is_that_of_each_run() -> None:
    tally = Tally("y", rtol=0.0, atol=0.0, rtol_max=0.01)
    tally.add(np.array([100.0, 0.5], F32), np.array([100.0, 0.0], F32))
    assert tally.result().ok
    tally.add(np.array([1.0, 0.5], F32), np.array([1.0, 0.0], F32))
    assert tally.result().outside == 1


def test_whole_numbers_have_no_tolerance_relative_to_the_largest() -> None:
    got, want = np.array([100, 1]), np.array([100, 0])
    assert not compare("y", got, want, rtol=0.0, atol=0.0, rtol_max=0.5).ok
    empty = np.zeros(0, F32)
    assert compare("y", empty, empty, rtol=0.0, atol=0.0, rtol_max=0.5).ok


def test_shape_and_type_come_before_numbers() -> None:
    got, want = np.zeros((1, 10), np.float64), np.zeros((1, 11), F32)
    result = compare("logits", got, want, rtol=1.0, atol=1.0)
    assert result.problems == (
        "output 'logits': element type float64 where the source gives float32",
        "output 'logits': shape (1, 10) where the source gives (1, 11)",
    )
    assert result.size == 0
    assert not compare("y", want.T, want, rtol=1.0, atol=1.0).ok
    assert not compare("y", want.astype(np.int32), want, rtol=1.0, atol=1.0).ok


@pytest.mark.parametrize(
    ("got", "want", "outside"),
    [
        ([math.nan, 1], [math.nan, 1], 0),
        ([math.nan, 1], [0, 1], 1),
        ([0, 1], [math.nan, 1], 1),
        ([math.inf, 1], [math.inf, 1], 0),
        ([math.inf, 1], [-math.inf, 1], 1),
        ([math.inf, 1], [3e38, 1], 1),
        ([math.nan, 1], [math.inf, 1], 1),
    ],
)
def test_nan_and_infinity(got: list[float], want: list[float], outside: int) -> None:
    result = compare("y", np.array(got, F32), np.array(want, F32), rtol=1.0, atol=1e30)
    assert result.outside == result.nonfinite_mismatches == outside
    assert result.ok == (not outside)
    if outside:
        assert result.worst
        assert result.worst.index == (0,)
    json.dumps(result.problems, allow_nan=False)


def test_integers_take_no_relative_tolerance() -> None:
    got, want = np.array([1001], np.int32), np.array([1000], np.int32)
    assert not compare("y", got, want, rtol=0.1, atol=0.5).ok
    assert compare("y", got, want, rtol=0.0, atol=1.0).ok
    assert not compare("y", np.array([True]), np.array([False]), rtol=1.0, atol=0.1).ok


def test_scalars_and_empty_arrays() -> None:
    scalar = compare("y", np.array(1.0, F32), np.array(2.0, F32), rtol=0.0, atol=0.0)
    assert scalar.worst == Worst((), 1.0, 2.0)
    empty = compare("y", np.zeros((0, 3), F32), np.zeros((0, 3), F32), rtol=0.0, atol=0.0)
    assert empty.ok
    assert empty.size == 0


def test_the_worst_of_many_runs_and_one_sentence_each() -> None:
    tally = Tally("y", rtol=0.0, atol=0.1)
    for error in (0.2, 0.5, 0.3):
        tally.add(np.array([1.0, 1.0 + error], F32), np.ones(2, F32))
    tally.add(np.ones(3, F32), np.ones(2, F32))
    tally.add(np.ones(3, F32), np.ones(2, F32))
    result = tally.result()
    assert result.worst == Worst((1,), 1.5, 1.0)
    assert (result.outside, result.size) == (3, 6)
    assert len(result.problems) == 2


floats = st.floats(-1e3, 1e3, width=32, allow_subnormal=False)  # some libraries flush them to zero
arrays = hnp.arrays(
    F32, st.shared(hnp.array_shapes(max_dims=3, max_side=4), key="s"), elements=floats
)


@given(arrays, arrays, st.integers(1, 3))
def test_runs_add_up_to_one_comparison_of_all(a: np.ndarray, b: np.ndarray, parts: int) -> None:
    a, b = np.atleast_1d(a), np.atleast_1d(b)
    whole = compare("y", a, b, rtol=0.1, atol=0.1)
    tally = Tally("y", rtol=0.1, atol=0.1)
    for got, want in zip(np.array_split(a, parts), np.array_split(b, parts)):
        tally.add(got, want)
    merged = tally.result()
    assert (merged.outside, merged.size) == (whole.outside, whole.size)
    assert merged.max_abs == whole.max_abs == np.max(np.abs(a.astype(float) - b))
    assert merged.cosine == pytest.approx(whole.cosine)
    assert merged.snr_db == pytest.approx(whole.snr_db)

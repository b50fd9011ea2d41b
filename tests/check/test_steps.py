"""Outputs compared in quantization steps, by SNR and by classes."""

from __future__ import annotations

import numpy as np
import pytest

from mgeconvert.check.compare import Rounded, Tally, compare
from mgeconvert.check.inputs import on_grid
from mgeconvert.check.limits import limits_of, top1_problems
from mgeconvert.check.request import CheckRequest, Grid, Steps
from mgeconvert.check.result import Comparison, Top1

WANT = np.arange(1000, dtype=np.float32) * np.float32(0.1)


def compared(got, want=WANT, *, axis=None, scale=(0.1,), within=1.0, share=0.999, least=None):
    rounded = Rounded(Steps(scale, axis), within, share, least)
    return compare("y", got, want, rtol=None, atol=None, rounded=rounded)


def moved(*steps):
    got = WANT.copy()
    got[10 : 10 + len(steps)] += np.float32(0.1) * np.array(steps, np.float32)
    return got


@pytest.mark.parametrize(
    ("steps", "counts", "wrong"),
    [
        ((), (1000, 0, 0, 0), ""),
        ((1, -1, 1), (997, 3, 0, 0), ""),
        ((2,), (999, 0, 1, 0), ""),
        ((2, 2), (998, 0, 2, 0), "2 of 1000 elements are off by more than 1 steps of 0.1"),
        ((-3,), (999, 0, 0, 1), "the worst by 3 (2 are allowed)"),
        ((1, 2, 3, 4), (996, 1, 1, 2), "3 of 1000 elements"),
    ],
)
def test_steps_are_counted_and_judged(steps, counts, wrong):
    found = compared(moved(*steps))
    assert found.steps == counts
    assert found.step == pytest.approx(0.1)
    assert found.ok == (not wrong)
    assert wrong in "".join(found.problems)
    assert Comparison.from_dict({**vars(found), "worst": None}).steps == counts


def test_runs_are_summed():
    tally = Tally("y", rtol=None, atol=None, rounded=Rounded(Steps((0.1,)), 1.0, 0.999))
    tally.add(moved(2), WANT)
    assert tally.result().ok
    tally.add(moved(2, 2), WANT)
    found = tally.result()
    assert found.steps == (1997, 0, 3, 0)
    assert "3 of 2000" in found.problems[0]


def test_each_channel_has_its_own_step():
    want = np.zeros((2, 3, 4), np.float32)
    got = want + np.array([0.1, 1.0, 10.0], np.float32).reshape(3, 1)
    found = compared(got, want, axis=1, scale=(0.1, 1.0, 10.0))
    assert found.steps == (0, 24, 0, 0)
    assert found.step == 10.0
    assert compared(got, want, axis=1, scale=(10.0, 1.0, 0.1)).steps == (8, 8, 0, 8)


def test_what_is_no_number_is_off_by_more_than_any_step():
    got, want = WANT.copy(), WANT.copy()
    got[0] = want[1] = np.nan
    got[2] = want[2] = np.inf
    got[3] = np.inf
    found = compared(got, want, within=1e9)
    assert found.steps == (997, 0, 0, 3)
    assert "3 of 1000 elements are no numbers" in found.problems[0]
    assert "the worst by inf" in found.problems[1]


def test_without_tolerances_nothing_is_outside():
    found = compare("y", WANT + 5, WANT, rtol=None, atol=None)
    assert found.ok
    assert found.outside == 0
    assert found.steps is None
    assert found.worst is not None


@pytest.mark.parametrize(("least", "ok"), [(29.9, True), (30.1, False)])
def test_the_snr_is_held_to_its_floor(least, ok):
    noise = np.where(np.arange(1000) % 2, 1, -1) * np.sqrt(np.mean(WANT**2) / 1000)
    found = compared((WANT + noise).astype(np.float32), within=None, least=least)
    assert found.snr_db == pytest.approx(30, abs=1e-3)
    assert found.ok == ok
    assert ok or f"{least:g} dB are asked for" in found.problems[0]


def test_nothing_is_no_noise():
    assert compared(WANT[:0], WANT[:0], within=None, least=30.0).ok
    assert compared(WANT * 0, WANT * 0, within=None, least=30.0).ok
    assert not compared(WANT * 0 + 1, WANT * 0, within=None, least=-300.0).ok


@pytest.mark.parametrize(("least", "wrong"), [(None, ""), (0.9, ""), (0.91, "9 of 10 rows")])
def test_classes_are_held_to_their_share(least, wrong):
    problems = top1_problems(Top1("y", 10, 9, None, None), least)
    assert wrong in "".join(problems)
    assert bool(problems) == bool(wrong)


def test_a_source_that_keeps_its_rounding_is_compared_by_snr_alone():
    request = CheckRequest(
        *("m", "a", "onnx", "s", "mge", "ab"), rtol=1.0, atol=1.0, atol_lsb=1.0, mixed_snr=15.0
    )
    assert limits_of(request, mixed=False).rtol == 1.0
    mixed = limits_of(request, mixed=True)
    assert (mixed.rtol, mixed.atol, mixed.atol_lsb, mixed.min_snr) == (None, None, None, 15.0)


def test_inputs_are_brought_onto_their_grid():
    x = np.array([-100.0, -0.3, 0.0, 0.26, 31.9, 99.0], np.float32)
    found = on_grid(x, Grid(0.25, 128, 0, 255))
    np.testing.assert_array_equal(found, np.float32([-32.0, -0.25, 0.0, 0.25, 31.75, 31.75]))
    assert found.dtype == np.float32

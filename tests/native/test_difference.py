"""The extension module against its numpy twin, and both against values worked out by hand."""

import math
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from mgeconvert.native import Difference, difference, difference_native, difference_numpy

pytestmark = pytest.mark.core

BOTH = pytest.mark.parametrize("compare", [difference_native, difference_numpy])
KINDS = ["float32", "float64", "float16", "int8", "uint8", "int32", "int64", "bool"]


def floats(kind):
    """Any value of float16 and float32; for float64 those whose squares are finite."""
    width = np.dtype(kind).itemsize * 8
    special = st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0])
    bound = {} if width < 64 else {"min_value": -1e100, "max_value": 1e100}
    return st.floats(width=width, allow_nan=not bound, **bound) | special


@st.composite
def pairs(draw):
    """Two arrays of one shape, any dtypes, contiguous or not."""
    shape = draw(npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=6))

    def array():
        kind = draw(st.sampled_from(KINDS))
        elements = floats(kind) if kind.startswith("float") else None
        return draw(npst.arrays(kind, shape, elements=elements))

    got, want = array(), array()
    layout = draw(st.sampled_from(["C", "T", "reversed", "fortran", "strided", "equal"]))
    if layout == "T":
        return got.T, want.T
    if layout == "reversed" and got.ndim:
        return got[::-1], want[::-1]
    if layout == "fortran" and got.ndim:
        return np.asfortranarray(got), want
    if layout == "strided" and got.ndim:
        return got[..., ::2], want[..., ::2]
    return (want.copy(), want) if layout == "equal" else (got, want)


@given(pairs(), st.sampled_from([0.0, 1e-6, 1e-3, 1.0]), st.sampled_from([0.0, 1e-8, 0.5]))
def test_twin_agrees(pair, rtol, atol):
    native = difference_native(*pair, rtol=rtol, atol=atol)
    twin = difference_numpy(*pair, rtol=rtol, atol=atol)
    exact = ("size", "max_abs", "max_rel", "outside", "nonfinite_mismatches")
    for name in exact:
        assert getattr(native, name) == getattr(twin, name), name
    for name in ("sum_error2", "sum_want2", "sum_got2"):
        assert getattr(native, name) == pytest.approx(getattr(twin, name), rel=1e-12), name
    # Terms of the dot product cancel each other: the bound is the one of their sizes.
    bound = 1e-12 * math.sqrt(twin.sum_want2) * math.sqrt(twin.sum_got2)
    assert abs(native.dot - twin.dot) <= bound


@BOTH
def test_known_values(compare):
    found = compare([1.0, 2.0, -3.0, 0.5], [1.0, 2.5, -3.0, 0.0], rtol=0.1, atol=0.25)
    assert found == Difference(
        size=4,
        max_abs=0.5,
        max_rel=0.2,
        sum_error2=0.5,
        sum_want2=16.25,
        sum_got2=14.25,
        dot=15.0,
        outside=1,
        nonfinite_mismatches=0,
    )
    assert found.outside_share == 0.25
    assert found.cosine == pytest.approx(15 / math.sqrt(16.25 * 14.25))
    assert found.snr_db == pytest.approx(10 * math.log10(32.5))


@BOTH
def test_tolerance_includes_its_bound(compare):
    assert compare([1.5], [1.0], rtol=0.25, atol=0.25).outside == 0
    assert compare([1.5], [1.0], rtol=0.25, atol=0.2499).outside == 1


@BOTH
@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_nonfinite_pairs(compare, kind):
    inf, nan = math.inf, math.nan
    got = np.array([inf, -inf, nan, inf, nan, 1, inf, 2], kind)
    want = np.array([inf, -inf, nan, -inf, 1, nan, 2, 2], kind)
    found = compare(got, want, rtol=inf, atol=0.0)
    assert (found.outside, found.nonfinite_mismatches) == (4, 4)
    assert (found.max_abs, found.sum_error2, found.sum_want2, found.dot) == (0, 0, 4, 4)


@BOTH
def test_empty(compare):
    found = compare(np.empty((3, 0)), np.empty((3, 0)), rtol=0.0, atol=0.0)
    assert found == Difference(0, 0, 0, 0, 0, 0, 0, 0, 0)
    assert (found.outside_share, found.cosine, found.snr_db) == (0, 1, math.inf)


@BOTH
def test_integers_do_not_wrap(compare):
    got, want = np.array([255, 0], np.uint8), np.array([0, 255], np.uint8)
    assert compare(got, want, rtol=0.0, atol=254.0).outside == 2
    low = np.array([np.iinfo(np.int64).min])
    assert compare(low, -(low + 1), rtol=0.0, atol=0.0).max_abs == 2.0**64


@BOTH
def test_byte_order_and_read_only(compare):
    got, want = np.array([1, 2], ">f4"), np.array([1, 2], "<f4")
    want.flags.writeable = False
    assert compare(got, want, rtol=0.0, atol=0.0).max_abs == 0


@BOTH
def test_sums_of_many_small_values_stay_exact(compare):
    ones = np.full(3_000_001, np.float32(0.1))
    found = compare(ones, ones, rtol=0.0, atol=0.0)
    assert found.sum_want2 == pytest.approx(3_000_001 * float(np.float32(0.1)) ** 2, rel=1e-13)
    assert found.cosine == pytest.approx(1, abs=1e-13)


@BOTH
def test_refused(compare):
    with pytest.raises(ValueError, match="shapes differ"):
        compare(np.zeros((2, 3)), np.zeros((3, 2)), rtol=0.0, atol=0.0)
    for tolerance in (-1.0, math.nan):
        with pytest.raises(ValueError, match="tolerances"):
            compare([1.0], [1.0], rtol=tolerance, atol=0.0)
        with pytest.raises(ValueError, match="tolerances"):
            compare([1.0], [1.0], rtol=0.0, atol=tolerance)


def test_cosine_and_snr_without_signal():
    silent = difference([1.0], [0.0], rtol=0.0, atol=0.0)
    assert (silent.cosine, silent.snr_db, silent.max_rel) == (0, -math.inf, 0)
    assert difference([0.0], [0.0], rtol=0.0, atol=0.0).cosine == 1


def test_other_threads_run_meanwhile():
    """With the GIL held, this thread could wake up once at most, at its end."""
    array = np.ones(60_000_000, np.float32)
    spans = []

    def compare():
        start = time.perf_counter()
        difference_native(array, array, rtol=0.0, atol=0.0)
        spans.append((start, time.perf_counter()))

    thread = threading.Thread(target=compare)
    wakes = []
    thread.start()
    while thread.is_alive():
        time.sleep(0.001)
        wakes.append(time.perf_counter())
    ((start, stop),) = spans
    assert sum(start < wake < stop for wake in wakes) >= 3


def run_without_module(code, **env):
    """Run `code` in a Python in which `mgeconvert._native` cannot be imported."""
    block = "import sys; sys.modules['mgeconvert._native'] = None\n"
    command = [sys.executable, "-W", "error", "-c", block + code]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=60)


def test_missing_module_is_an_error():
    done = run_without_module("import mgeconvert.native")
    assert done.returncode == 1
    assert "mgeconvert._native is missing: install mgeconvert again" in done.stderr


def test_twin_serves_where_asked():
    code = (
        "from mgeconvert.native import difference as d; print(d([3], [1], rtol=0, atol=1).outside)"
    )
    done = run_without_module(code, MGECONVERT_NO_NATIVE="1")
    assert (done.stdout, done.stderr) == ("1\n", "")

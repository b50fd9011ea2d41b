"""Quantize, fake-quantize, dequantize, requantize: bit for bit the twins, which are exact."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgeconvert.native import (
    Rounding,
    dequantize,
    dequantize_native,
    dequantize_numpy,
    fake_quantize,
    fake_quantize_native,
    fake_quantize_numpy,
    quantize,
    quantize_native,
    quantize_numpy,
    requantize,
    requantize_native,
    requantize_numpy,
)
from tests.native.grids import WHOLE, Steps, bits, grids, reals, wholes

pytestmark = pytest.mark.core

# For each element type and rounding, of arrays of many elements.
FEW = settings(max_examples=25)

ROUNDINGS = pytest.mark.parametrize("rounding", Rounding)
DTYPES = pytest.mark.parametrize("dtype", WHOLE)
I8 = np.dtype(np.int8)


def same(got, want):
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    np.testing.assert_array_equal(bits(got), bits(want))


def nearest(x, rounding):
    """Return a Fraction rounded to a whole number."""
    if rounding is Rounding.EVEN:
        return round(x)
    return math.floor(x + Fraction(1, 2)) if x >= 0 else math.ceil(x - Fraction(1, 2))


@ROUNDINGS
@DTYPES
@FEW
@given(data=st.data())
def test_quantize_is_its_twin(data, dtype, rounding):
    x = data.draw(st.sampled_from(["float32", "float16", "float64"]).flatmap(reals))
    grid = data.draw(grids(x.shape, dtype))
    more = {"dtype": np.dtype(dtype), "rounding": rounding}
    same(quantize_native(x, grid, **more), quantize_numpy(x, grid, **more))


@ROUNDINGS
@DTYPES
@FEW
@given(data=st.data())
def test_fake_quantize_is_its_twin(data, dtype, rounding):
    x = data.draw(st.sampled_from(["float32", "float16", "float64"]).flatmap(reals))
    grid = data.draw(grids(x.shape, dtype))
    with np.errstate(over="ignore"):  # of float16
        got = fake_quantize_native(x, grid, rounding=rounding)
        same(got, fake_quantize_numpy(x, grid, rounding=rounding))


@ROUNDINGS
@DTYPES
@FEW
@given(data=st.data())
def test_fake_quantize_is_both_ways(data, dtype, rounding):
    x = data.draw(reals())
    grid = data.draw(grids(x.shape, dtype))
    whole = quantize_numpy(x, grid, dtype=np.dtype(dtype), rounding=rounding)
    want = np.where(np.isnan(x), np.float32(math.nan), dequantize_numpy(whole, grid))
    same(fake_quantize_numpy(x, grid, rounding=rounding), want.astype(np.float32))


@DTYPES
@FEW
@given(data=st.data())
def test_dequantize_is_its_twin(data, dtype):
    x = data.draw(wholes(dtype))
    grid = data.draw(grids(x.shape, dtype))
    same(dequantize_native(x, grid), dequantize_numpy(x, grid))


@ROUNDINGS
@DTYPES
@FEW
@given(data=st.data())
def test_requantize_is_its_twin(data, dtype, rounding):
    x = data.draw(wholes("int32"))
    grid = data.draw(grids(x.shape, dtype))
    more = {"dtype": np.dtype(dtype), "rounding": rounding}
    same(requantize_native(x, grid, **more), requantize_numpy(x, grid, **more))


@ROUNDINGS
@DTYPES
@FEW
@given(x=st.floats(-(2.0**40), 2.0**40, width=32), zero=st.integers(-5, 5))
def test_rounding_is_exact(x, dtype, rounding, zero):
    limits = np.iinfo(dtype)
    zero = abs(zero) if dtype.startswith("u") else zero
    grid = Steps((1.0,), (zero,), int(limits.min), int(limits.max))
    want = np.clip(nearest(Fraction(x), rounding) + zero, grid.qmin, grid.qmax)
    array = np.array([x], np.float32)
    for run in (quantize_native, quantize_numpy):
        assert run(array, grid, dtype=np.dtype(dtype), rounding=rounding)[0] == want


@pytest.mark.parametrize("run", [quantize_native, quantize_numpy])
@pytest.mark.parametrize(
    ("rounding", "want"),
    [
        (Rounding.AWAY, [-3, -2, -1, 1, 2, 3, 0, 0, 127, -128]),
        (Rounding.EVEN, [-2, -2, 0, 0, 2, 2, 0, 0, 126, -126]),
    ],
)
def test_ties(run, rounding, want):
    x = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.49999997, -0.49999997, 126.5, -126.5])
    want[-2:] = [127, -127] if rounding is Rounding.AWAY else [126, -126]
    grid = Steps((1.0,), (0,), -128, 127)
    assert run(x, grid, dtype=I8, rounding=rounding).tolist() == want


@ROUNDINGS
@DTYPES
def test_what_is_not_finite(dtype, rounding):
    x = np.array([math.nan, math.inf, -math.inf, 3e38, -3e38], np.float32)
    limits = np.iinfo(dtype)
    low, high = int(limits.min) + 1, int(limits.max) - 1
    grid = Steps((0.5,), (low + 3,), low, high)
    more = {"dtype": np.dtype(dtype), "rounding": rounding}
    for run in (quantize_native, quantize_numpy):
        assert run(x, grid, **more).tolist() == [low, high, low, high, low]
    for run in (fake_quantize_native, fake_quantize_numpy):
        fake = run(x, grid, rounding=rounding)
        assert math.isnan(fake[0])
        assert fake[2] == fake[4] == -1.5
        assert fake[1] == fake[3] == np.float32(high - low - 3) * np.float32(0.5)


@pytest.mark.parametrize("run", [fake_quantize_native, fake_quantize_numpy])
@ROUNDINGS
def test_zero_has_no_sign(run, rounding):
    x = np.array([-0.0, -0.2, -1e-40], np.float32)
    assert not np.signbit(run(x, Steps((1.0,), (0,), -8, 7), rounding=rounding)).any()


def test_channels_of_each_axis():
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    for axis, count in enumerate(x.shape):
        grid = Steps(tuple(2.0**-c for c in range(count)), (3,), 0, 255, axis)
        whole = quantize(x, grid, dtype=np.dtype(np.uint8), rounding=Rounding.EVEN)
        for c in range(count):
            want = np.clip(np.rint(np.take(x, c, axis) * 2.0**c) + 3, 0, 255)
            np.testing.assert_array_equal(np.take(whole, c, axis), want)
        np.testing.assert_array_equal(
            fake_quantize(x, grid, rounding=Rounding.EVEN), dequantize(whole, grid)
        )


def test_types_without_a_loop_are_the_twin_s():
    x = np.array([1e12, -5.5, math.nan], np.float32)
    grid = Steps((1.0,), (0,), -(2**47), 2**47)
    i64 = np.dtype(np.int64)
    got = quantize(x, grid, dtype=i64, rounding=Rounding.AWAY)
    assert got.tolist() == [int(np.float32(1e12)), -6, -(2**47)]
    assert dequantize(got, grid).tolist() == [np.float32(1e12), -6, -(2.0**47)]
    assert fake_quantize(x, grid, rounding=Rounding.AWAY)[1] == -6
    with pytest.raises(TypeError, match="no loop"):
        quantize_native(x, grid, dtype=i64, rounding=Rounding.AWAY)


NARROW_GRID = Steps((1.0,), (0,), -128, 127)


@pytest.mark.parametrize("run", [quantize, quantize_native, quantize_numpy])
def test_ranges_beyond_the_type_are_refused(run):
    x = np.zeros(3, np.float32)
    with pytest.raises(ValueError, match="-128 to 127 do not fit uint8"):
        run(x, NARROW_GRID, dtype=np.dtype(np.uint8), rounding=Rounding.EVEN)
    with pytest.raises(ValueError):
        run(x, Steps((1.0, 2.0), (0,), 0, 9, 0), dtype=I8, rounding=Rounding.EVEN)


@pytest.mark.parametrize("run", [requantize, requantize_native, requantize_numpy])
def test_sums_are_int32(run):
    with pytest.raises(ValueError, match="sums are int32, not int64"):
        run(np.zeros(3, np.int64), NARROW_GRID, dtype=I8, rounding=Rounding.EVEN)

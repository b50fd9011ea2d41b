"""TFLite's fixed-point factors: bit for bit the twins, and what the formulas give by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgeconvert.native import (
    FixedPoint,
    Multipliers,
    requantize_fixed,
    requantize_fixed_native,
    requantize_fixed_numpy,
)
from tests.native.grids import SEEDS, axes, bits, ranges, wholes

pytestmark = pytest.mark.core

# For each element type and rounding, of arrays of many elements.
FEW = settings(max_examples=25)

BOTH = pytest.mark.parametrize("run", [requantize_fixed_native, requantize_fixed_numpy])
FORMS = pytest.mark.parametrize("form", FixedPoint)
OUT = pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32"])
I32 = np.dtype(np.int32)


@st.composite
def multipliers(draw, shape, dtype, form):
    random = draw(SEEDS)
    low, high = ranges(draw, random, dtype)
    axis = axes(draw, shape)
    count = 1 if axis is None else shape[axis]
    usual = random.integers(2**30, 2**31, count)
    odd = random.choice([0, 1, 2**30, 2**31 - 1, 0x7FFF0000, 0x7FFEFFFF], count)
    shifts = random.integers(-31, form.most_left + 1, count)
    small = random.integers(-12, 1, count)
    return Multipliers(
        tuple(np.where(random.random(count) < 0.5, usual, odd).tolist()),
        tuple(np.where(random.random(count) < 0.5, small, shifts).tolist()),
        draw(st.sampled_from([0, 3, -128, -(2**31), 2**31 - 1])),
        low,
        high,
        axis,
    )


@FORMS
@OUT
@FEW
@given(data=st.data())
def test_is_its_twin(data, dtype, form):
    x = data.draw(wholes(form.sums.name))
    m = data.draw(multipliers(x.shape, dtype, form))
    got = requantize_fixed_native(x, m, dtype=np.dtype(dtype), form=form)
    want = requantize_fixed_numpy(x, m, dtype=np.dtype(dtype), form=form)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    np.testing.assert_array_equal(bits(got), bits(want))


def whole(run, x, multiplier, shift, form):
    m = Multipliers((multiplier,), (shift,), 0, -(2**31), 2**31 - 1)
    return run(np.array([x], form.sums), m, dtype=I32, form=form)[0]


@BOTH
@FEW
@given(x=st.integers(-(2**31), 2**31 - 1), multiplier=st.integers(2**30, 2**31 - 1))
@pytest.mark.parametrize("shift", [0, -1, -9, -31])
def test_one_rounding_is_half_up(run, x, multiplier, shift):
    exact = (x * multiplier + 2 ** (30 - shift)) // 2 ** (31 - shift)
    assert whole(run, x, multiplier, shift, FixedPoint.ONCE) == exact


@BOTH
@FEW
@given(x=st.integers(-(2**31), 2**31 - 1), multiplier=st.integers(2**30, 2**31 - 1))
@pytest.mark.parametrize("shift", [0, -1, -9, -31])
def test_two_roundings_are_within_one_of_one(run, x, multiplier, shift):
    once = whole(run, x, multiplier, shift, FixedPoint.ONCE)
    assert abs(int(whole(run, x, multiplier, shift, FixedPoint.TWICE)) - int(once)) <= 1


@BOTH
@FEW
@given(x=st.integers(-(2**47), 2**47 - 1), multiplier=st.integers(2**30, 2**31 - 1))
def test_wide_sums_have_a_multiplier_of_16_bits(run, x, multiplier):
    factor = min((multiplier + 2**15) // 2**16, 2**15 - 1)
    exact = (x * factor + 2**34) // 2**35  # shift -20
    assert whole(run, x, multiplier, -20, FixedPoint.WIDE) == exact


# A factor of a quarter (2^30 * 2^(-1 - 31)) and ties: -2.5, -0.5, 0.5, 1.5, and 0.75 that rounds
# to 1 in the high word (twice 0.375 up), -0.75.
TIES = {
    FixedPoint.ONCE: {-10: -2, -6: -1, -2: 0, 2: 1, 6: 2, 10: 3, 3: 1, -3: -1},
    FixedPoint.TWICE: {-10: -3, -6: -2, -2: -1, 2: 1, 6: 2, 10: 3, 3: 1, -3: -1, 1: 1, -1: 0},
    FixedPoint.WIDE: {-10: -2, -6: -1, -2: 0, 2: 1, 6: 2, 10: 3, 3: 1, -3: -1},
}


@BOTH
@FORMS
def test_ties(run, form):
    for x, want in TIES[form].items():
        assert whole(run, x, 2**30, -1, form) == want, x


@BOTH
def test_bounds_follow_the_zero_point(run):
    m = Multipliers((2**30, 2**30), (1, 0), 5, 0, 20, axis=1)
    x = np.array([[4, 4], [100, -100]], np.int32)
    got = run(x, m, dtype=np.dtype(np.uint8), form=FixedPoint.ONCE)
    assert got.tolist() == [[9, 7], [20, 0]]


@pytest.mark.parametrize("run", [requantize_fixed, requantize_fixed_native, requantize_fixed_numpy])
@pytest.mark.parametrize(
    ("m", "form", "problem"),
    [
        (Multipliers((-1,), (0,), 0, 0, 9), FixedPoint.ONCE, "multipliers from 0"),
        (Multipliers((2**31,), (0,), 0, 0, 9), FixedPoint.ONCE, "multipliers from 0"),
        (Multipliers((1,), (31,), 0, 0, 9), FixedPoint.TWICE, "shifts from -31 to 30"),
        (Multipliers((1,), (8,), 0, 0, 9), FixedPoint.WIDE, "shifts from -31 to 7"),
        (Multipliers((1,), (0,), 0, 0, 200), FixedPoint.ONCE, "0 to 200"),
        (Multipliers((1, 1), (0, 0), 0, 0, 9), FixedPoint.ONCE, "axis None"),
        (Multipliers((1, 1), (0, 0), 0, 0, 9, 0), FixedPoint.ONCE, "axis 0 of shape"),
    ],
)
def test_numbers_that_kernels_do_not_take(run, m, form, problem):
    with pytest.raises(ValueError, match=problem):
        run(np.zeros(3, form.sums), m, dtype=np.dtype(np.int8), form=form)


@pytest.mark.parametrize("run", [requantize_fixed, requantize_fixed_native, requantize_fixed_numpy])
def test_sums_have_the_type_of_the_form(run):
    m = Multipliers((1,), (0,), 0, 0, 9)
    with pytest.raises(ValueError, match="sums are int64, not int32"):
        run(np.zeros(3, np.int32), m, dtype=np.dtype(np.int8), form=FixedPoint.WIDE)

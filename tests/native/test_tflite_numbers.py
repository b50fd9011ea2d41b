"""What TFLite's quantized layers need: multipliers, scales of biases, symmetric weights."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgeconvert.errors import QuantError
from mgeconvert.ir import DType, Quant
from mgeconvert.ir.quantize import (
    bias_quant,
    dequantize,
    layer_multipliers,
    quantize_multiplier,
    symmetric_weights,
)
from tests.native.grids import SEEDS

pytestmark = pytest.mark.core


@given(st.floats(2.0**-31, 2.0**29))
def test_a_multiplier_is_the_nearest_of_31_bits(factor):
    multiplier, shift = quantize_multiplier(factor)
    assert 2**30 <= multiplier < 2**31
    unit = Fraction(2) ** (shift - 31)
    assert abs(multiplier * unit - Fraction(factor)) <= unit / 2


@pytest.mark.parametrize(
    ("factor", "want"),
    [
        (0.0, (0, 0)),
        (1.0, (2**30, 1)),
        (0.5, (2**30, 0)),
        (0.25, (2**30, -1)),
        (1 - 2.0**-33, (2**30, 1)),  # rounds up to the next power of two
        (0.5 + 2.0**-32, (2**30 + 1, 0)),  # a tie goes away from zero
        (math.nextafter(0.5 + 2.0**-32, 0), (2**30, 0)),
        (2.0**-32, (2**30, -31)),
        (2.0**-33, (0, 0)),
        (5e-324, (0, 0)),
        (2.0**30 - 1, (2**31 - 2, 30)),
        (2.0**30, (2**31 - 1, 30)),
        (1e300, (2**31 - 1, 30)),
    ],
)
def test_multipliers_known_by_hand(factor, want):
    assert quantize_multiplier(factor) == want


@pytest.mark.parametrize("factor", [-1.0, math.inf, math.nan])
def test_factors_that_are_none(factor):
    with pytest.raises(QuantError, match="a factor of"):
        quantize_multiplier(factor)


def test_a_layer_has_a_multiplier_for_each_scale_of_its_weights():
    x = Quant(DType.I8, -128, 127, (0.1,), (3,))
    w = Quant(DType.I8, -127, 127, (0.5, 0.3), axis=0)
    y = Quant(DType.I8, -128, 127, (0.2,))
    into, out, other = (float(np.float32(s)) for s in (0.1, 0.2, 0.3))
    want = quantize_multiplier(into * 0.5 / out), quantize_multiplier(into * other / out)
    assert layer_multipliers(x, w, y) == want
    with pytest.raises(QuantError, match="need one scale"):
        layer_multipliers(w, w, y)


@given(st.floats(2.0**-20, 2.0**10, width=32), st.floats(2.0**-20, 2.0**10, width=32))
def test_the_scale_of_a_bias_is_the_float32_product(into, weights):
    q = bias_quant(
        Quant(DType.I8, -128, 127, (into,)), Quant(DType.I8, -127, 127, (weights,)), axis=0
    )
    assert q.dtype is DType.I32
    assert q.zero_point == (0,)
    assert q.scale == (float(np.float32(into) * np.float32(weights)),)


@given(SEEDS, st.sampled_from([None, 0, 1, 3]), st.sampled_from([1e-30, 1.0, 1e30]))
@settings(max_examples=40)
def test_symmetric_weights_use_the_whole_range(random, axis, size):
    w = (random.standard_normal((3, 4, 2, 5)) * size).astype(np.float32)
    whole, q = symmetric_weights(w, axis)
    assert whole.dtype == np.int8
    assert (q.qmin, q.qmax, q.zero_point, q.axis) == (-127, 127, (0,), axis)
    others = tuple(i for i in range(4) if i != axis)
    most = np.abs(whole.astype(int)).max(axis=others)
    np.testing.assert_array_equal(most, np.full_like(most, 127))
    scale = np.array(q.scale).reshape([-1 if i == axis else 1 for i in range(4)])
    assert np.all(np.abs(dequantize(whole, q) - w) <= scale * (0.5 + 1e-5))


def test_symmetric_weights_of_a_given_scale_saturate():
    w = np.array([[-64.0, 0.25, 63.5], [-0.75, 100.0, 2.0]], np.float32)
    whole, q = symmetric_weights(w, 0, scale=(0.5, 1.0))
    assert whole.tolist() == [[-127, 1, 127], [-1, 100, 2]]
    assert q == Quant(DType.I8, -127, 127, (0.5, 1.0), axis=0)


def test_weights_without_a_size():
    w = np.array([[0.0, 0.0], [2.0**-149, -(2.0**-149)]], np.float32)
    whole, q = symmetric_weights(w, 0)
    assert q.scale == (1.0, float(np.finfo(np.float32).tiny))
    assert not whole.any()
    assert symmetric_weights(np.zeros((0, 3), np.float32), None)[0].shape == (0, 3)
    with pytest.raises(QuantError, match="not finite"):
        symmetric_weights(np.array([1.0, math.nan], np.float32), None)

"""Rounding half away from zero, ties exactly; and parameters that go through operators."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgeconvert.errors import InternalError, Location
from mgeconvert.ir import DType, Graph, Quant, TensorType, evaluate, ops
from mgeconvert.ir.passes import propagate_quant, remove_identities, run_passes
from mgeconvert.ir.quantize import dequantize, fake_quantize, quantize, round_half_away
from mgeconvert.ir.verify import verify


@given(st.floats(-(2.0**30), 2.0**30, width=32, allow_subnormal=False))
def test_rounding_is_exact(x):
    exact = Fraction(x)
    sign = -1 if exact < 0 else 1
    want = sign * ((abs(exact) + Fraction(1, 2)) // 1)
    assert round_half_away(np.array([x], np.float32))[0] == float(want)


@given(st.integers(-300, 300), st.integers(-8, 8), st.integers(-128, 127))
def test_ties_go_away_from_zero(step, power, zero):
    scale = 2.0**power
    q = Quant(DType.I8, -128, 127, (scale,), (zero,))
    tie = np.array([(step + 0.5) * scale], np.float32)
    away = step + 1 if step >= 0 else step
    assert quantize(tie, q)[0] == np.clip(away + zero, -128, 127)


@given(st.floats(2.0**-20, 2.0**10, width=32), st.integers(0, 255))
def test_what_is_on_the_grid_stays(scale, zero):
    q = Quant(DType.U8, 0, 255, (scale,), (zero,))
    steps = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(quantize(dequantize(steps, q), q), steps)


def test_channels_have_their_own_scales():
    q = Quant(DType.I8, -127, 127, (0.5, 2.0), (0, 1), 1)
    x = np.array([[0.25, 1.0], [-0.25, -400.0]], np.float32)
    np.testing.assert_array_equal(quantize(x, q), [[1, 2], [-1, -127]])
    np.testing.assert_array_equal(fake_quantize(x, q), [[0.5, 2.0], [-0.5, -256.0]])


WRONG = [
    Quant(DType.I8, -129, 127, (0.5,)),
    Quant(DType.I8, 0, 9, (1.0,), (10,)),
    Quant(DType.I8, 0, 9, (1.0,), axis=5),
    Quant(DType.I8, 0, 9, (1.0, 2.0, 3.0), axis=1),
]


@pytest.mark.parametrize("quant", WRONG)
def test_the_verifier_refuses_what_cannot_be(quant):
    graph = Graph()
    value = graph.input("x", TensorType(DType.F32, (1, 2)))
    value.quant = quant
    graph.output("y", value)
    with pytest.raises(InternalError):
        verify(graph)


TRANSPOSE = ops.Transpose(perm=(1, 0))
KEPT = [
    (ops.Relu(), True, True),
    (TRANSPOSE, True, True),
    (ops.Reshape(shape=(3, 2)), True, False),
    (ops.Pad(pads=((1, 1), (0, 0)), value=0.5), True, False),
    (ops.Pad(pads=((1, 1), (0, 0)), value=0.3), False, False),
    (ops.Clip(low=0.0, high=6.0), True, False),
    (ops.Clip(low=0.0, high=6.3), False, False),
    (ops.Exp(), False, False),
]


@pytest.mark.parametrize(("op", "whole", "channels"), KEPT)
def test_parameters_go_where_numbers_are_kept(op, whole, channels):
    for quant, kept in (
        (Quant(DType.I8, -128, 127, (0.5,)), whole),
        (Quant(DType.I8, -128, 127, (0.5, 0.25), axis=0), channels),
    ):
        graph = Graph()
        x = graph.input("x", TensorType(DType.F32, (2, 3)))
        x.quant = quant
        y = graph.add(op, x, name="y", at=Location("test"))
        graph.output("y", y)
        run_passes(graph, (propagate_quant,))
        assert (y.quant is not None) == kept
        data = np.linspace(-70, 70, 6, dtype=np.float32).reshape(2, 3)
        if y.quant:
            (rounded,) = evaluate(graph, {"x": data}, quantized=True).values()
            y.quant = None
            (plain,) = evaluate(graph, {"x": data}, quantized=True).values()
            np.testing.assert_array_equal(rounded, plain)


def test_an_identity_stays_where_its_operand_is_used_unrounded():
    graph = Graph()
    x = graph.input("x", TensorType(DType.F32, (2,)))
    y = graph.add(ops.Identity(), x, name="y", at=Location("test"))
    y.quant = Quant(DType.I8, -128, 127, (0.5,))
    graph.output("z", graph.add(ops.Add(), x, y, name="z", at=Location("test")))
    run_passes(graph, (remove_identities,))
    assert len(graph) == 2
    assert x.quant is None

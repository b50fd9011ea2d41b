"""Symbolic dimensions: arithmetic agrees with that of the numbers put in their place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgeconvert.errors import ShapeError
from mgeconvert.ir.dims import Dim, Sym, bind, dim, divide, missing_dim, symbol, symbols

pytestmark = pytest.mark.core

N, H = symbol("N"), symbol("H")


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> tuple[Dim, str]:
    """A dimension, and the Python text that computes it."""
    if depth == 0 or draw(st.booleans()):
        leaf = draw(st.sampled_from(["N", "H"]) | st.integers(-6, 6))
        return (symbol(leaf), leaf) if isinstance(leaf, str) else (leaf, f"({leaf})")
    a, x = draw(expressions(depth=depth - 1))
    operator = draw(st.sampled_from("+-*/"))
    if operator == "/":
        by = draw(st.integers(1, 7))
        return a // by, f"({x} // {by})"
    b, y = draw(expressions(depth=depth - 1))
    results: dict[str, Dim] = {"+": a + b, "-": a - b, "*": a * b}
    return results[operator], f"({x} {operator} {y})"


@given(expressions(), st.integers(1, 40), st.integers(1, 40))
def test_arithmetic_is_that_of_numbers(case: tuple[Dim, str], n: int, h: int) -> None:
    value, text = case
    assert bind(value, {"N": n, "H": h}) == eval(text, {"N": n, "H": h})


@given(expressions())
def test_text_reads_back(case: tuple[Dim, str]) -> None:
    value, _ = case
    assert dim(str(value)) == value


@given(expressions(), st.integers(1, 40))
def test_binding_in_two_steps(case: tuple[Dim, str], n: int) -> None:
    value, _ = case
    half = bind(value, {"N": n})
    assert "N" not in symbols(half)
    assert bind(half, {"H": 3}) == bind(value, {"N": n, "H": 3})


def test_equal_values_are_equal() -> None:
    assert 2 * N + N == 3 * N
    assert (N + H) * 2 == 2 * H + 2 * N
    assert N - N == 0
    assert isinstance(N + 0, Sym)
    assert (4 * N) // 4 == N
    assert (N * H * 6) // (N * 2) == 3 * H
    assert 4 * N + 2 != 4 * N


def test_division_that_is_not_even_stays() -> None:
    assert str((N + 1) // 2) == "((N + 1)//2)"
    assert divide(N + 1, 2) is None
    assert divide(4 * N + 2, 2) == 2 * N + 1
    assert divide(N, H) is None
    assert bind((N + 1) // 2, {"N": 4}) == 2


def test_missing_dim() -> None:
    assert missing_dim((N, 8, 4), (N,)) == 32
    assert missing_dim((N, 8, 4), (4, 2)) == 4 * N
    assert missing_dim((N, 7), (N, 2)) is None
    assert missing_dim(((N + 1) // 2, 6), ((N + 1) // 2, 3)) == 2


@pytest.mark.parametrize("text", ["N**2", "f(N)", "1.5", "'N'", "N.x", "True"])
def test_other_expressions_are_refused(text: str) -> None:
    with pytest.raises(ShapeError):
        dim(text)

"""Shapes that nobody thought of: broadcasting, slices, reshapes, pads and sizes of images."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgeconvert.ir import Op, evaluate, ops
from tests.onnx_backend.case import BOOL, F32, Case, Operand, case
from tests.onnx_backend.running import Options, difference, export, run

pytestmark = pytest.mark.slow

OPSETS = st.sampled_from(range(7, 24))
SIZES = st.integers(1, 5)
FEW = settings(max_examples=60)


def check(case: Case, opset: int) -> None:
    feeds = case.feeds({})
    got, _ = run(export(case.graph(), Options(opset)), feeds)
    for name, want in evaluate(case.graph(), feeds).items():
        assert difference(want, got[name], rtol=case.rtol, atol=case.atol) == ""


@st.composite
def broadcasting(draw: st.DrawFn, count: int) -> list[tuple[int, ...]]:
    """Shapes that broadcast: a common one with axes dropped in front, or made 1."""
    common = draw(st.lists(SIZES, min_size=1, max_size=4))
    shapes = []
    for _ in range(count):
        kept = common[draw(st.integers(0, len(common))) :]
        shapes.append(tuple(d if draw(st.booleans()) else 1 for d in kept))
    return shapes


@FEW
@given(
    broadcasting(2),
    st.sampled_from([ops.Add(), ops.Maximum(), ops.Minimum(), ops.Less(), ops.Equal()]),
    OPSETS,
)
def test_binary_operators_broadcast(shapes: list[tuple[int, ...]], op: Op, opset: int) -> None:
    check(case(op, *(F32(*shape) for shape in shapes)), opset)


@FEW
@given(broadcasting(3), OPSETS)
def test_where_broadcasts(shapes: list[tuple[int, ...]], opset: int) -> None:
    check(case(ops.Where(), BOOL(*shapes[0]), F32(*shapes[1]), F32(*shapes[2])), opset)


@st.composite
def slices(draw: st.DrawFn) -> Case:
    dims, starts, sizes, steps = [], [], [], []
    for _ in range(draw(st.integers(1, 3))):
        dim = draw(SIZES)
        start = draw(st.integers(0, dim - 1))
        step = draw(st.sampled_from([-3, -2, -1, 1, 2, 3]))
        room = (dim - 1 - start) // step if step > 0 else start // -step
        dims.append(dim)
        starts.append(start)
        sizes.append(draw(st.integers(0, room + 1)))
        steps.append(step)
    return case(ops.Slice(starts=tuple(starts), sizes=tuple(sizes), steps=tuple(steps)), F32(*dims))


@settings(max_examples=150)
@given(slices(), OPSETS)
def test_slices(entry: Case, opset: int) -> None:
    check(entry, opset)


@FEW
@given(
    st.integers(1, 12),
    st.integers(1, 25),
    st.sampled_from(["nearest", "linear", "cubic"]),
    st.sampled_from(["half_pixel", "align_corners", "asymmetric"]),
    OPSETS,
)
def test_resampling(before: int, after: int, mode: str, coordinates: str, opset: int) -> None:
    resize = ops.Resize(size=(after, 3), mode=mode, coordinates=coordinates)
    check(case(resize, F32(1, 1, before, 4), atol=1e-4), opset)


@st.composite
def windows(draw: st.DrawFn) -> tuple[Op, Operand]:
    kernel = tuple(draw(st.integers(1, 4)) for _ in range(2))
    pads = tuple(tuple(draw(st.integers(0, k - 1)) for _ in range(2)) for k in kernel)
    window = {
        "kernel": kernel,
        "stride": tuple(draw(st.integers(1, 4)) for _ in range(2)),
        "padding": pads,
        "ceil_mode": draw(st.booleans()),
    }
    op: Op = ops.MaxPool(**window)
    if draw(st.booleans()):
        op = ops.AvgPool(**window, count_padding=draw(st.booleans()))
    return op, F32(1, 2, draw(st.integers(4, 8)), draw(st.integers(4, 8)))


@settings(max_examples=150)
@given(windows(), OPSETS)
def test_pooling(entry: tuple[Op, Operand], opset: int) -> None:
    check(case(*entry, atol=1e-5), opset)


@FEW
@given(st.lists(SIZES, min_size=1, max_size=4), st.data(), OPSETS)
def test_softmax_along_any_axis(shape: list[int], data: st.DataObject, opset: int) -> None:
    axis = data.draw(st.integers(0, len(shape) - 1))
    check(case(ops.Softmax(axis=axis), F32(*shape)), opset)

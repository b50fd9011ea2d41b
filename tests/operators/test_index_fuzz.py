"""Random indices against numpy, without MegEngine: right, or refused in words."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgeconvert.errors import ConvertError, Location
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.assign import setitem
from mgeconvert.frontends.traced.rules.index import getitem
from mgeconvert.ir import DType, Graph, TensorType, Value, evaluate, verify

pytestmark = pytest.mark.slow

AT = Location("test")
SHAPE = (4, 3, 5)
X = np.arange(60, dtype=np.float32).reshape(SHAPE)

ends = st.none() | st.integers(-6, 6)
slices = st.builds(slice, ends, ends, st.none() | st.sampled_from([-3, -2, -1, 1, 2, 3]))
lists = st.lists(st.integers(-3, 2), min_size=1, max_size=3)
grids = st.lists(st.integers(-3, 2), min_size=2, max_size=2).map(lambda a: np.array([a, a[::-1]]))
arrays = lists.map(np.array) | grids
entries = st.integers(-3, 2) | slices | st.none() | st.just(Ellipsis) | arrays | lists
indices = st.lists(entries, max_size=4).map(tuple)
wild = st.recursive(
    entries
    | st.floats(allow_subnormal=False)
    | st.text(max_size=2)
    | st.booleans()
    | st.binary(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.lists(inner, max_size=3).map(tuple),
    max_leaves=4,
)


def call() -> tuple[Call, Value]:
    graph = Graph()
    return Call(graph, AT, "y", {}, {}), graph.input("x", TensorType(DType.F32, SHAPE))


def run(c: Call, value: Value) -> np.ndarray:
    c.graph.output("y", value)
    verify(c.graph)
    return evaluate(c.graph, {"x": X})["y"]


def by_numpy(index: Any) -> np.ndarray | None:
    try:
        return np.asarray(X[index])
    except (IndexError, ValueError):
        return None


@settings(max_examples=400, deadline=None)
@given(indices)
def test_reading(index: tuple[Any, ...]) -> None:
    wanted = by_numpy(index)
    c, x = call()
    if wanted is None:
        with pytest.raises(ConvertError):
            getitem(c, x, index)
        return
    np.testing.assert_array_equal(run(c, getitem(c, x, index)), wanted, strict=True)


@settings(max_examples=400, deadline=None)
@given(indices, st.integers(0, 1))
def test_writing(index: tuple[Any, ...], narrow: int) -> None:
    region = by_numpy(index)
    c, x = call()
    if region is None:
        with pytest.raises(ConvertError):
            setitem(c, x, index, 1.5)
        return
    value = -np.arange(1, region.size + 1, dtype=np.float32).reshape(region.shape)
    if narrow and value.ndim:
        value = value[:1]
    wanted = X.copy()
    wanted[index] = value
    np.testing.assert_array_equal(run(c, setitem(c, x, index, value)), wanted, strict=True)


@settings(max_examples=300, deadline=None)
@given(wild)
def test_anything_is_understood_or_refused(index: Any) -> None:
    c, x = call()
    with contextlib.suppress(ConvertError):
        run(c, getitem(c, x, index))
    c, x = call()
    with contextlib.suppress(ConvertError):
        run(c, setitem(c, x, index, 1.0))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=3, max_size=3), st.booleans())
def test_computed_indices(places: list[int], write: bool) -> None:
    graph = Graph()
    c = Call(graph, AT, "y", {}, {})
    x = graph.input("x", TensorType(DType.F32, SHAPE))
    i = graph.input("i", TensorType(DType.I32, (3,)))
    index, wanted = np.array(places, np.int32), X.copy()
    if write:
        result = setitem(c, x, (i, slice(None), 1), -1.0)
        wanted[index, :, 1] = -1
    else:
        result, wanted = (
            getitem(c, x, (slice(1, None), None, [0, 1, 2], i)),
            X[1:, None, [0, 1, 2], index],
        )
    graph.output("y", result)
    verify(graph)
    got = evaluate(graph, {"x": X, "i": index})["y"]
    np.testing.assert_array_equal(got, wanted, strict=True)

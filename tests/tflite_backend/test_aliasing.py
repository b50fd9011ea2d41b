"""LiteRT overwrites tensors that are read again behind a reshape: the writer copies them before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mgeconvert.errors import Location
from mgeconvert.ir import DType, Graph, Op, TensorType, Value, evaluate, ops
from tests.tflite_backend.running import codes, export, run

Make = Callable[..., Value]


def net(first: Op, second: Op, *, flats: int = 1) -> Graph:
    """Return first(x, y), reshaped, into second, and read again afterwards."""
    graph = Graph()
    x, y = (graph.input(name, TensorType(DType.F32, (4, 100))) for name in "xy")

    def add(op: Op, *values: Value) -> Value:
        return graph.add(op, *values, name="v", at=Location("test"))

    value = add(first, *_operands(first, x, y))
    flat = value
    for i in range(flats):
        flat = add(ops.Reshape(shape=((400,), (40, 10))[i]), flat)
    other = add(ops.Reshape(shape=flat.type.shape), add(ops.Sin(), y))
    graph.output("a", add(ops.Sin(), add(second, *_operands(second, flat, other))))
    graph.output("b", add(ops.Sin(), value))
    return graph


def _operands(op: Op, *values: Value) -> tuple[Value, ...]:
    return values[: len(op.operands)]


WRITING: tuple[Any, ...] = (ops.Add(), ops.Sub(), ops.Mul(), ops.Div())
PAIRS = [(first, second) for first in (*WRITING, ops.Softmax(axis=1)) for second in WRITING]


def check(graph: Graph) -> None:
    feeds = {
        name: np.random.default_rng(i).uniform(1, 2, (4, 100)).astype(np.float32)
        for i, name in enumerate("xy")
    }
    want = evaluate(graph, feeds)
    got = run(export(graph), feeds)
    for name, array in want.items():
        np.testing.assert_allclose(got[name], array, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=[f"{a} {b}" for a, b in PAIRS])
@pytest.mark.parametrize("flats", [1, 2])
def test_nothing_is_overwritten(first: Op, second: Op, flats: int) -> None:
    check(net(first, second, flats=flats))


def test_results_of_other_operators_need_no_copy() -> None:
    assert "TRANSPOSE" not in codes(export(net(ops.Maximum(), ops.Add())))
    assert "TRANSPOSE" not in codes(export(net(ops.Add(), ops.Maximum())))
    check(net(ops.Maximum(), ops.Add()))
    check(net(ops.Add(), ops.Maximum()))

"""Tensors that share memory in LiteRT: nothing is overwritten that is still read."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mgeconvert.errors import Location
from mgeconvert.ir import DType, Graph, Op, TensorType, Value, evaluate, ops
from mgeconvert.ir.dims import symbol
from tests.tflite_backend.running import Options, codes, export, run

HERE = Location("test")
NUMBERS = np.random.default_rng(0).uniform(0.5, 2, (2, 3, 4)).astype(np.float32)
KEPT = Options(disable_nhwc=True)

Overwriting = Callable[[Graph, Value], Value]


def with_constant(op: Op, *, first: bool = False) -> Overwriting:
    def add(graph: Graph, x: Value) -> Value:
        number = graph.constant("number", np.array(3, np.float32))
        return graph.add(op, *((number, x) if first else (x, number)), name="y", at=HERE)

    return add


def softmax(graph: Graph, x: Value) -> Value:
    return graph.add(ops.Softmax(axis=1), x, name="y", at=HERE)


OVERWRITING = {
    "add": with_constant(ops.Add()),
    "sub": with_constant(ops.Sub(), first=True),
    "mul": with_constant(ops.Mul()),
    "div": with_constant(ops.Div(), first=True),
    "softmax": softmax,
}


def network(overwriting: Overwriting, *, symbolic: bool, through: bool) -> Graph:
    """m, which overwrites what it is made from, is read behind reshape(m) and the operator."""
    graph = Graph()
    x = graph.input("x", TensorType(DType.F32, (symbol("N") if symbolic else 2, 3, 4)))
    head = x.type.shape[0]
    made = graph.add(ops.Exp(), x, name="made", at=HERE)
    m = with_constant(ops.Add())(graph, made) if through else made
    flat = graph.add(ops.Reshape(shape=(head, 12)), m, name="flat", at=HERE)
    y = overwriting(graph, flat)
    graph.output("y", graph.add(ops.Neg(), y, name="negative", at=HERE))
    graph.output("m", graph.add(ops.Floor(), m, name="later", at=HERE))
    return graph


@pytest.mark.parametrize("symbolic", [False, True], ids=["fixed", "symbolic"])
@pytest.mark.parametrize("name", OVERWRITING)
def test_what_is_read_later_is_copied(name: str, *, symbolic: bool) -> None:
    graph = network(OVERWRITING[name], symbolic=symbolic, through=True)
    want = evaluate(graph, {"x": NUMBERS})
    got = run(export(graph, KEPT), {"x": NUMBERS})
    for port in want:
        np.testing.assert_allclose(got[port], want[port], rtol=1e-5, err_msg=port)


def test_no_more_is_copied() -> None:
    """LiteRT does not overwrite the first tensor of a memory while others read it."""
    through = network(OVERWRITING["mul"], symbolic=False, through=True)
    direct = network(OVERWRITING["mul"], symbolic=False, through=False)
    assert codes(export(through, KEPT)).count("TRANSPOSE") == 1
    assert codes(export(direct, KEPT)).count("TRANSPOSE") == 0

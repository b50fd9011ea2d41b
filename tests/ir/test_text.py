"""Graphs printed and parsed."""

from __future__ import annotations

import re

import numpy as np
import pytest

from mgeconvert.errors import Location, UnreadableSource
from mgeconvert.ir import DType, Graph, Quant, TensorType, evaluate, ops, verify
from mgeconvert.ir.dims import symbol
from mgeconvert.ir.op import Op, op
from mgeconvert.ir.text import parse, show

pytestmark = pytest.mark.core

GOLDEN = """\
input x = %x: float32[N, 4]
const %w: float32[2, 4] = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]
%y: float32[N, 2] = Linear()(%x, %w)  # test: Linear 'fc'
%z: float32[2*N] @Quant(int8, -128, 127, (0.5,), (0,), None) = Reshape(shape=({2*N},))(%y)  # test
%s: float32[1], %s_1: float32[1] = Split(axis=0, sizes=(1, 1))(%two)  # test
"""


def example() -> Graph:
    graph, n = Graph(), symbol("N")
    x = graph.input("x", TensorType(DType.F32, (n, 4)))
    big = graph.constant("big table", np.arange(20, dtype=np.int32).reshape(4, 5))
    w = graph.constant("w", np.eye(2, 4, dtype=np.float32))
    y = graph.add(ops.Linear(), x, w, name="y", at=Location("test", "Linear", "fc"))
    z = graph.add(ops.Reshape(shape=(2 * n,)), y, name="z", at=Location("test"))
    z.quant = Quant(DType.I8, -128, 127, (0.5,))
    clipped = graph.add(ops.Clip(low=-np.inf, high=3.0), x, name="k", at=Location("test"))
    pads = ops.Pad(pads=((0, 1), (2, 0)), value=-0.5)
    p = graph.add(pads, clipped, name="p", at=Location("test"))
    a, b = graph.add_multi(ops.Split(axis=1, sizes=(2, 4)), p, names=("s",), at=Location("test"))
    i = graph.add(ops.Cast(to=DType.I32), a, name="i", at=Location("test"))
    t = graph.add(ops.Gather(axis=0), big, i, name="t", at=Location("test"))
    for name, value in {"out": z, "b": b, "t": t}.items():
        graph.output(name, value)
    return graph


def without_comments(text: str) -> str:
    return re.sub("  #.*", "", text)


def test_round_trip() -> None:
    graph = example()
    verify(graph)
    text = show(graph)
    constants = {v.name: v.const for v in graph.constants() if v.const is not None}
    back = parse(text, constants)
    verify(back)
    assert without_comments(show(back)) == without_comments(text)
    feeds = {"x": np.abs(np.random.RandomState(0).standard_normal((3, 4))).astype(np.float32)}
    want, got = evaluate(graph, feeds), evaluate(back, feeds)
    for name in want:
        np.testing.assert_array_equal(got[name], want[name])


def test_lines_are_as_documented() -> None:
    lines = show(example()).splitlines()
    for line in GOLDEN.splitlines()[:4]:
        assert line in lines


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("nonsense", "line 2"),
        ("%y: float32[3] = Relu()(%missing)", "line 2"),
        ("%y: float32[3] = Nonsense()(%x)", "line 2"),
        ("%y: float32[4] = Relu()(%x)", "line 2"),
        ("%y: float32[3] = LeakyRelu(beta=1.0)(%x)", "has the attributes alpha"),
        ("const %c: float32[17] = sha256:00", "line 2"),
    ],
)
def test_wrong_lines_are_named(line: str, problem: str) -> None:
    with pytest.raises(UnreadableSource, match=problem):
        parse("input x = %x: float32[3]\n" + line)


@op("x")
class OfBackend(Op):
    """An operator outside of the catalogue."""

    quant: Quant

    def infer(self, types):
        return (types[0],)


def test_operators_of_backends_and_quantization_among_attributes_are_read_back():
    quant = Quant(DType.I8, -128, 127, (0.5, 0.25), (0, 3), 1)
    graph = Graph()
    value = graph.input("x", TensorType(DType.F32, (1, 2)))
    value = graph.add(OfBackend(quant=quant), value, name="q", at=Location("test"))
    value.quant = quant
    graph.output("out", value)
    again = parse(show(graph))
    (node,) = again
    assert node.op == OfBackend(quant=quant)
    assert node.outputs[0].quant == quant

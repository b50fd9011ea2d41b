"""Transpositions: where they go, what they cancel with, and where they stay."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgeconvert.ir import DType, Graph, Quant, TensorType, Value, evaluate, ops, verify
from mgeconvert.ir.passes import run_passes
from mgeconvert.ir.passes.layout import count_transposes, settle_transposes
from mgeconvert.ir.text import parse, show
from tests.ir.layout_stand_ins import (
    AT,
    FIRST,
    LAST,
    ChannelsLast,
    Opaque,
    moved_elements,
    transposes,
)

pytestmark = pytest.mark.core

assert Opaque  # the texts name it


def settled(text: str) -> str:
    """Run the pass on a graph, with the same results, and return the nodes and outputs."""
    graph = parse(text)
    feeds = random_feeds(graph, {"N": 3})
    want = evaluate(graph, feeds)
    run_passes(graph, (settle_transposes,))
    for name, got in evaluate(graph, feeds).items():
        np.testing.assert_array_equal(got, want[name])
    again = show(graph)
    assert not settle_transposes.run(graph)
    assert show(graph) == again
    lines = [line.partition("  #")[0] for line in again.splitlines()]
    return "\n".join(line for line in lines if not line.startswith("input"))


def random_feeds(graph: Graph, known: dict[str, int]) -> dict[str, np.ndarray]:
    rng = np.random.RandomState(1)
    shapes = {
        p.name: [d if isinstance(d, int) else known[str(d)] for d in p.value.type.shape]
        for p in graph.inputs
    }
    return {name: rng.randint(-9, 9, shape).astype(np.float32) for name, shape in shapes.items()}


def plain(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


GOLDEN: dict[str, tuple[str, str]] = {
    "opposite ones cancel": (
        """
        input x = %x: float32[2, 3, 4, 5]
        %a: float32[2, 5, 3, 4] = Transpose(perm=(0, 3, 1, 2))(%x)
        %b: float32[2, 3, 4, 5] = Transpose(perm=(0, 2, 3, 1))(%a)
        %y: float32[2, 3, 4, 5] = Opaque()(%b)
        output y = %y
        """,
        """
        %y: float32[2, 3, 4, 5] = Opaque()(%x)
        output y = %y
        """,
    ),
    "two become one": (
        """
        input x = %x: float32[2, 3, 4]
        %a: float32[3, 4, 2] = Transpose(perm=(1, 2, 0))(%x)
        %b: float32[4, 3, 2] = Transpose(perm=(1, 0, 2))(%a)
        %y: float32[4, 3, 2] = Opaque()(%b)
        output y = %y
        """,
        """
        %b: float32[4, 3, 2] = Transpose(perm=(2, 1, 0))(%x)
        %y: float32[4, 3, 2] = Opaque()(%b)
        output y = %y
        """,
    ),
    "equal ones become one": (
        """
        input x = %x: float32[2, 3]
        %a: float32[3, 2] = Transpose(perm=(1, 0))(%x)
        %b: float32[3, 2] = Transpose(perm=(1, 0))(%x)
        %y: float32[3, 2] = Opaque()(%a)
        %z: float32[3, 2] = Opaque()(%b)
        output y = %y
        output z = %z
        """,
        """
        %a: float32[3, 2] = Transpose(perm=(1, 0))(%x)
        %y: float32[3, 2] = Opaque()(%a)
        %z: float32[3, 2] = Opaque()(%a)
        output y = %y
        output z = %z
        """,
    ),
    "axes of one element make a reshape": (
        """
        input x = %x: float32[N, 1, 4, 5]
        %a: float32[N, 4, 5, 1] = Transpose(perm=(0, 2, 3, 1))(%x)
        %y: float32[N, 4, 5, 1] = Opaque()(%a)
        output y = %y
        """,
        """
        %a: float32[N, 4, 5, 1] = Reshape(shape=({N}, 4, 5, 1))(%x)
        %y: float32[N, 4, 5, 1] = Opaque()(%a)
        output y = %y
        """,
    ),
    "down to the output": (
        """
        input x = %x: float32[2, 3, 4, 5]
        %o: float32[2, 3, 4, 5] = Opaque()(%x)
        %a: float32[2, 5, 3, 4] = Transpose(perm=(0, 3, 1, 2))(%o)
        %y: float32[2, 5, 3, 4] = Relu()(%a)
        output y = %y
        """,
        """
        %o: float32[2, 3, 4, 5] = Opaque()(%x)
        %y_1: float32[2, 3, 4, 5] = Relu()(%o)
        %y: float32[2, 5, 3, 4] = Transpose(perm=(0, 3, 1, 2))(%y_1)
        output y = %y
        """,
    ),
    "up to the input": (
        """
        input x = %x: float32[2, 3, 4, 5]
        const %c: float32[3, 1, 1] = [1.0, 2.0, 3.0]
        %s: float32[2, 3, 4, 5] = Sub()(%x, %c)
        %a: float32[2, 4, 5, 3] = Transpose(perm=(0, 2, 3, 1))(%s)
        %y: float32[2, 4, 5, 3] = Opaque()(%a)
        output y = %y
        """,
        """
        const %c: float32[1, 1, 3] = [1.0, 2.0, 3.0]
        %x_1: float32[2, 4, 5, 3] = Transpose(perm=(0, 2, 3, 1))(%x)
        %s: float32[2, 4, 5, 3] = Sub()(%x_1, %c)
        %y: float32[2, 4, 5, 3] = Opaque()(%s)
        output y = %y
        """,
    ),
    "before what makes it larger": (
        """
        input x = %x: float32[2, 3]
        %e: float32[4, 2, 3] = Expand(shape=(4, 2, 3))(%x)
        %a: float32[4, 3, 2] = Transpose(perm=(0, 2, 1))(%e)
        %y: float32[4, 3, 2] = Opaque()(%a)
        output y = %y
        """,
        """
        %x_1: float32[3, 2] = Transpose(perm=(1, 0))(%x)
        %e: float32[4, 3, 2] = Expand(shape=(4, 3, 2))(%x_1)
        %y: float32[4, 3, 2] = Opaque()(%e)
        output y = %y
        """,
    ),
    "behind what makes it smaller": (
        """
        input x = %x: float32[4, 5]
        %o: float32[4, 5] = Opaque()(%x)
        %a: float32[5, 4] = Transpose(perm=(1, 0))(%o)
        %s: float32[2, 4] = Slice(starts=(1, 0), sizes=(2, 4), steps=(2, 1))(%a)
        %y: float32[2, 4] = Opaque()(%s)
        output y = %y
        """,
        """
        %o: float32[4, 5] = Opaque()(%x)
        %s_1: float32[4, 2] = Slice(starts=(0, 1), sizes=(4, 2), steps=(1, 2))(%o)
        %s: float32[2, 4] = Transpose(perm=(1, 0))(%s_1)
        %y: float32[2, 4] = Opaque()(%s)
        output y = %y
        """,
    ),
    "the other operand is there already": (
        """
        input x = %x: float32[2, 3, 4, 5]
        %a: float32[2, 4, 5, 3] = Transpose(perm=(0, 2, 3, 1))(%x)
        %o: float32[2, 4, 5, 3] = Opaque()(%a)
        %b: float32[2, 3, 4, 5] = Transpose(perm=(0, 3, 1, 2))(%o)
        %s: float32[2, 3, 4, 5] = Add()(%x, %b)
        %c: float32[2, 4, 5, 3] = Transpose(perm=(0, 2, 3, 1))(%s)
        %y: float32[2, 4, 5, 3] = Opaque()(%c)
        output y = %y
        """,
        """
        %a: float32[2, 4, 5, 3] = Transpose(perm=(0, 2, 3, 1))(%x)
        %o: float32[2, 4, 5, 3] = Opaque()(%a)
        %s: float32[2, 4, 5, 3] = Add()(%a, %o)
        %y: float32[2, 4, 5, 3] = Opaque()(%s)
        output y = %y
        """,
    ),
    "read in both layouts": (
        """
        input x = %x: float32[2, 3, 4, 5]
        %o: float32[2, 3, 4, 5] = Opaque()(%x)
        %a: float32[2, 5, 3, 4] = Transpose(perm=(0, 3, 1, 2))(%o)
        %r: float32[2, 5, 3, 4] = Relu()(%a)
        %y: float32[2, 5, 3, 4] = Opaque()(%r)
        %b: float32[2, 3, 4, 5] = Transpose(perm=(0, 2, 3, 1))(%r)
        %z: float32[2, 3, 4, 5] = Opaque()(%b)
        output y = %y
        output z = %z
        """,
        """
        %o: float32[2, 3, 4, 5] = Opaque()(%x)
        %r_1: float32[2, 3, 4, 5] = Relu()(%o)
        %r: float32[2, 5, 3, 4] = Transpose(perm=(0, 3, 1, 2))(%r_1)
        %y: float32[2, 5, 3, 4] = Opaque()(%r)
        %z: float32[2, 3, 4, 5] = Opaque()(%r_1)
        output y = %y
        output z = %z
        """,
    ),
    "mixed operands without gain": (
        """
        input x = %x: float32[2, 3]
        input z = %z: float32[3, 2]
        %o: float32[2, 3] = Opaque()(%x)
        %p: float32[3, 2] = Opaque()(%z)
        %a: float32[3, 2] = Transpose(perm=(1, 0))(%o)
        %s: float32[3, 2] = Mul()(%a, %p)
        %y: float32[3, 2] = Opaque()(%s)
        output y = %y
        """,
        """
        %o: float32[2, 3] = Opaque()(%x)
        %p: float32[3, 2] = Opaque()(%z)
        %a: float32[3, 2] = Transpose(perm=(1, 0))(%o)
        %s: float32[3, 2] = Mul()(%a, %p)
        %y: float32[3, 2] = Opaque()(%s)
        output y = %y
        """,
    ),
    "an operand of lower rank": (
        """
        input x = %x: float32[N, 4, 5, 3]
        input g = %g: float32[4]
        input k = %k: float32[]
        %a: float32[N, 3, 4, 5] = Transpose(perm=(0, 3, 1, 2))(%x)
        %u: float32[4, 1] = Unsqueeze(added=(1,))(%g)
        %s: float32[N, 3, 4, 5] = Mul()(%a, %u)
        %t: float32[N, 3, 4, 5] = Add()(%k, %s)
        %b: float32[N, 4, 5, 3] = Transpose(perm=(0, 2, 3, 1))(%t)
        output y = %b
        """,
        """
        %u_1: float32[4, 1, 1] = Reshape(shape=(4, 1, 1))(%g)
        %s: float32[N, 4, 5, 3] = Mul()(%x, %u_1)
        %t: float32[N, 4, 5, 3] = Add()(%k, %s)
        output y = %t
        """,
    ),
    "the transposition disappears in a mean": (
        """
        input x = %x: float32[N, 4, 5, 3]
        %o: float32[N, 4, 5, 3] = Opaque()(%x)
        %a: float32[N, 3, 4, 5] = Transpose(perm=(0, 3, 1, 2))(%o)
        %y: float32[N, 3] = ReduceMax(reduced=(2, 3))(%a)
        output y = %y
        """,
        """
        %o: float32[N, 4, 5, 3] = Opaque()(%x)
        %y: float32[N, 3] = ReduceMax(reduced=(1, 2))(%o)
        output y = %y
        """,
    ),
    "tokens": (
        """
        input x = %x: float32[N, 4, 5, 3]
        %o: float32[N, 4, 5, 3] = Opaque()(%x)
        %a: float32[N, 3, 4, 5] = Transpose(perm=(0, 3, 1, 2))(%o)
        %r: float32[N, 3, 20] = Reshape(shape=({N}, 3, 20))(%a)
        %t: float32[N, 20, 3] = Transpose(perm=(0, 2, 1))(%r)
        %y: float32[N, 20, 3] = Opaque()(%t)
        output y = %y
        """,
        """
        %o: float32[N, 4, 5, 3] = Opaque()(%x)
        %r: float32[N, 20, 3] = Reshape(shape=({N}, 20, 3))(%o)
        %y: float32[N, 20, 3] = Opaque()(%r)
        output y = %y
        """,
    ),
    "channel shuffle": (
        """
        input x = %x: float32[N, 4, 5, 6]
        %o: float32[N, 4, 5, 6] = Opaque()(%x)
        %a: float32[N, 6, 4, 5] = Transpose(perm=(0, 3, 1, 2))(%o)
        %r: float32[N, 2, 3, 4, 5] = Reshape(shape=({N}, 2, 3, 4, 5))(%a)
        %s: float32[N, 3, 2, 4, 5] = Transpose(perm=(0, 2, 1, 3, 4))(%r)
        %t: float32[N, 6, 4, 5] = Reshape(shape=({N}, 6, 4, 5))(%s)
        %b: float32[N, 4, 5, 6] = Transpose(perm=(0, 2, 3, 1))(%t)
        %y: float32[N, 4, 5, 6] = Opaque()(%b)
        output y = %y
        """,
        """
        %o: float32[N, 4, 5, 6] = Opaque()(%x)
        %r: float32[N, 4, 5, 2, 3] = Reshape(shape=({N}, 4, 5, 2, 3))(%o)
        %r_2: float32[N, 4, 5, 3, 2] = Transpose(perm=(0, 1, 2, 4, 3))(%r)
        %t: float32[N, 4, 5, 6] = Reshape(shape=({N}, 4, 5, 6))(%r_2)
        %y: float32[N, 4, 5, 6] = Opaque()(%t)
        output y = %y
        """,
    ),
    "one element of space": (
        """
        input x = %x: float32[N, 1, 1, 6]
        %o: float32[N, 1, 1, 6] = Opaque()(%x)
        %a: float32[N, 6, 1, 1] = Transpose(perm=(0, 3, 1, 2))(%o)
        %y: float32[N, 6] = Reshape(shape=({N}, 6))(%a)
        output y = %y
        """,
        """
        %o: float32[N, 1, 1, 6] = Opaque()(%x)
        %y: float32[N, 6] = Reshape(shape=({N}, 6))(%o)
        output y = %y
        """,
    ),
    "a group that would be torn": (
        """
        input x = %x: float32[N, 4, 5, 3]
        %o: float32[N, 4, 5, 3] = Opaque()(%x)
        %a: float32[N, 3, 4, 5] = Transpose(perm=(0, 3, 1, 2))(%o)
        %r: float32[N, 12, 5] = Reshape(shape=({N}, 12, 5))(%a)
        %y: float32[N, 12, 5] = Opaque()(%r)
        output y = %y
        """,
        """
        %o: float32[N, 4, 5, 3] = Opaque()(%x)
        %a: float32[N, 3, 4, 5] = Transpose(perm=(0, 3, 1, 2))(%o)
        %r: float32[N, 12, 5] = Reshape(shape=({N}, 12, 5))(%a)
        %y: float32[N, 12, 5] = Opaque()(%r)
        output y = %y
        """,
    ),
    "a detour by another shape": (
        """
        input x = %x: float32[N, 4, 5, 6]
        %a: float32[N, 6, 4, 5] = Transpose(perm=(0, 3, 1, 2))(%x)
        %r: float32[2*N, 3, 20] = Reshape(shape=({2*N}, 3, 20))(%a)
        %s: float32[N, 6, 4, 5] = Reshape(shape=({N}, 6, 4, 5))(%r)
        %b: float32[N, 4, 5, 6] = Transpose(perm=(0, 2, 3, 1))(%s)
        %y: float32[N, 4, 5, 6] = Opaque()(%b)
        output y = %y
        """,
        """
        %s: float32[N, 4, 5, 6] = Reshape(shape=({N}, 4, 5, 6))(%x)
        %y: float32[N, 4, 5, 6] = Opaque()(%s)
        output y = %y
        """,
    ),
    "a transposed constant": (
        """
        input x = %x: float32[3, 2]
        const %c: float32[2, 3] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
        %a: float32[3, 2] = Transpose(perm=(1, 0))(%c)
        %s: float32[3, 2] = Add()(%x, %a)
        output y = %s
        """,
        """
        const %c: float32[3, 2] = [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]
        %s: float32[3, 2] = Add()(%x, %c)
        output y = %s
        """,
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden(name: str) -> None:
    before, after = map(plain, GOLDEN[name])
    assert settled(before) == after


PER_CHANNEL = Quant(DType.I8, -128, 127, (0.5, 0.25, 0.125), axis=1)


def test_quantization_moves_along_and_stays_on_both_sides() -> None:
    graph = Graph()
    x = graph.input("x", TensorType(DType.F32, (2, 4, 5, 3)))
    x.quant = Quant(DType.I8, -128, 127, PER_CHANNEL.scale, axis=3)
    a = graph.add(ops.Transpose(perm=FIRST), x, name="a", at=AT)
    weight = graph.constant("w", np.float32([1, 2, 3]).reshape(3, 1, 1))
    weight.quant = Quant(DType.I8, -128, 127, PER_CHANNEL.scale, axis=0)
    y = graph.add(ops.Mul(), a, weight, name="y", at=AT)
    a.quant = y.quant = PER_CHANNEL
    z = graph.add(ops.Transpose(perm=LAST), y, name="z", at=AT)
    z.quant = Quant(DType.I8, -128, 127, PER_CHANNEL.scale, axis=3)
    graph.output("z", z)
    run_passes(graph, (settle_transposes,))
    (node,) = graph
    assert [v.quant.axis for v in (*node.inputs, node.output) if v.quant] == [3, 2, 3]
    assert node.inputs[1].type.shape == (1, 1, 3)


def test_a_transposition_that_rounds_stays() -> None:
    graph = Graph()
    x = graph.input("x", TensorType(DType.F32, (2, 3)))
    a = graph.add(ops.Transpose(perm=(1, 0)), x, name="a", at=AT)
    a.quant = Quant(DType.I8, -128, 127, (0.5,))
    graph.output("y", graph.add(ops.Transpose(perm=(1, 0)), a, name="y", at=AT))
    run_passes(graph, (settle_transposes,))
    feeds = {"x": np.float32([[0.1, 0.4, 0.7], [1, 2, 3.3]])}
    got = evaluate(graph, feeds, quantized=True)["y"]
    np.testing.assert_array_equal(got, np.float32([[0, 0.5, 0.5], [1, 2, 3.5]]))


def test_names_stay_with_what_is_left() -> None:
    graph = Graph()
    x = graph.input("x", TensorType(DType.F32, (2, 4, 5, 3)))
    first = graph.add(Opaque(), x, name="conv_1", at=AT)
    conv = graph.add(ops.Transpose(perm=FIRST), first, name="conv", at=AT)
    relu = graph.add(ops.Relu(), conv, name="relu", at=AT)
    last = graph.add(ops.Transpose(perm=LAST), relu, name="relu_1", at=AT)
    graph.output("y", graph.add(Opaque(), last, name="y", at=AT))
    run_passes(graph, (settle_transposes,))
    assert [n.output.name for n in graph] == ["conv", "relu", "y"]
    assert next(iter(graph)).via == ()


def test_new_nodes_name_the_pass_and_the_place() -> None:
    graph = Graph()
    x = graph.input("x", TensorType(DType.F32, (2, 3)))
    y = graph.add(
        ops.Transpose(perm=(1, 0)), graph.add(Opaque(), x, name="o", at=AT), name="t", at=AT
    )
    graph.output("y", graph.add(ops.Relu(), y, name="y", at=AT))
    run_passes(graph, (settle_transposes,))
    assert {n.via for n in graph if not isinstance(n.op, Opaque)} == {("settle_transposes",)}
    assert {n.origin for n in graph} == {AT}


PERMS = (LAST, FIRST, (0, 1, 3, 2), (1, 0, 2, 3))
STEPS = 25


class Growing:
    """A random graph: each step adds an operator to values made before."""

    def __init__(self, draw: Callable[..., int]) -> None:
        self.draw, self.graph = draw, Graph()
        shapes = [(2, 3, 4, 5), (2, 4, 5, 3), (1, 3, 1, 1), (4, 5)]
        self.values = [
            self.graph.input(f"x{i}", TensorType(DType.F32, shape))
            for i, shape in enumerate(shapes)
        ]

    def pick(self, count: int) -> int:
        return self.draw(st.integers(0, count - 1))

    def add(self, op: ops.Identity, *inputs: Value) -> None:
        self.values += self.graph.add_multi(op, *inputs, names=["v"], at=AT)

    def step(self) -> None:
        x = self.values[self.pick(len(self.values))]
        steps = [self.transpose, self.transpose, self.unary, self.binary, self.binary, self.image]
        steps += [self.axis, self.reduce, self.reshape, self.concat, self.opaque, self.slice]
        steps[self.pick(len(steps))](x)

    def transpose(self, x: Value) -> None:
        perms = PERMS if x.type.rank == 4 else [tuple(reversed(range(x.type.rank)))]
        self.add(ops.Transpose(perm=perms[self.pick(len(perms))]), x)

    def unary(self, x: Value) -> None:
        self.add(ops.Neg(), x)

    def opaque(self, x: Value) -> None:
        self.add(Opaque(), x)

    def binary(self, x: Value) -> None:
        def fits(y: Value) -> bool:
            pairs = zip(reversed(x.type.shape), reversed(y.type.shape))
            return all(a == b or 1 in (a, b) for a, b in pairs)

        others = [y for y in self.values if fits(y)]
        self.add(ops.Add(), x, others[self.pick(len(others))])
        if x.type.rank > 1:
            size = x.type.shape[-2]
            row = np.arange(int(size), dtype=np.float32).reshape(-1, 1)
            self.add(ops.Maximum(), self.graph.constant("c", row), x)

    def image(self, x: Value) -> None:
        if x.type.rank == 4:
            last = self.graph.add(ops.Transpose(perm=LAST), x, name="v", at=AT)
            inner = ops.MaxPool(kernel=(2, 2), stride=(1, 1), padding=((0, 1), (1, 0)))
            y = self.graph.add(ChannelsLast(inner=inner), last, name="v", at=AT)
            self.add(ops.Transpose(perm=FIRST), y)

    def axis(self, x: Value) -> None:
        if x.type.rank:
            axis = self.pick(x.type.rank)
            op = (ops.CumSum(axis=axis), ops.TopK(axis=axis, k=1), ops.ArgMax(axis=axis))
            y = self.graph.add_multi(op[self.pick(3)], x, names=["v"], at=AT)[0]
            self.values.append(y)
            if y.type.dtype is not DType.F32:
                self.values[-1] = self.graph.add(ops.Cast(to=DType.F32), y, name="v", at=AT)

    def reduce(self, x: Value) -> None:
        if x.type.rank:
            axes = {self.pick(x.type.rank), self.pick(x.type.rank)}
            self.add(ops.ReduceMax(reduced=tuple(axes), keepdims=bool(self.pick(2))), x)

    def reshape(self, x: Value) -> None:
        shape = list(x.type.shape)
        if len(shape) > 2 and self.pick(2):
            axis = self.pick(len(shape) - 1)
            shape[axis : axis + 2] = [shape[axis] * shape[axis + 1]]
        elif 1 in shape and self.pick(2):
            self.add(ops.Squeeze(squeezed=(shape.index(1),)), x)
            return
        else:
            shape.insert(self.pick(len(shape) + 1), 1)
        if len(shape) < 6:
            self.add(ops.Reshape(shape=tuple(shape)), x)

    def concat(self, x: Value) -> None:
        same = [y for y in self.values if y.type == x.type]
        if x.type.rank:
            other = same[self.pick(len(same))]
            self.add(ops.Concat(axis=self.pick(x.type.rank)), x, other)

    def slice(self, x: Value) -> None:
        if x.type.rank:
            axis = self.pick(x.type.rank)
            sizes = list(x.type.shape)
            starts, steps = [0] * len(sizes), [1] * len(sizes)
            starts[axis], sizes[axis] = int(sizes[axis]) - 1, max(int(sizes[axis]) // 2, 1)
            steps[axis] = -1
            self.add(ops.Slice(starts=tuple(starts), sizes=tuple(sizes), steps=tuple(steps)), x)


@st.composite
def graphs(draw: Callable[..., int]) -> Graph:
    growing = Growing(draw)
    for _ in range(growing.pick(STEPS) + 3):
        growing.step()
    for i in range(growing.pick(3) + 1):
        growing.graph.output(f"y{i}", growing.values[-1 - growing.pick(min(i + 3, 6))])
    return growing.graph


@settings(max_examples=150, deadline=None, derandomize=True)
@given(graphs())
def test_random_graphs_keep_their_numbers_and_move_no_more(graph: Graph) -> None:
    feeds = random_feeds(graph, {})
    want, before = evaluate(graph, feeds), moved_elements(graph)
    run_passes(graph, (settle_transposes,))
    for name, got in evaluate(graph, feeds).items():
        np.testing.assert_array_equal(got, want[name])
    assert moved_elements(graph) <= before
    text = show(graph)
    assert not settle_transposes.run(graph)
    assert show(graph) == text


def image(graph: Graph, x: Value) -> Value:
    """Add something that wants its channels last."""
    inner = ops.LocalResponseNorm(size=3, alpha=1.0, beta=1.0, k=1.0)
    y = graph.add(ops.Transpose(perm=LAST), x, name="t", at=AT)
    y = graph.add(ChannelsLast(inner=inner), y, name="c", at=AT)
    return graph.add(ops.Transpose(perm=FIRST), y, name="t", at=AT)


def residual(count: int) -> Graph:
    """Return a residual network of `count` nodes."""
    graph = Graph()
    x = graph.input("x", TensorType(DType.F32, (1, 8, 4, 4)))
    while len(graph) < count:
        y = graph.add(ops.Relu(), image(graph, x), name="r", at=AT)
        total = graph.add(ops.Add(), x, image(graph, y), name="a", at=AT)
        x = graph.add(ops.Relu(), total, name="r", at=AT)
    graph.output("y", x)
    return graph


def mixed(count: int) -> Graph:
    """Return a chain of `count` nodes in which every third wants its channels elsewhere."""
    graph = Graph()
    x = start = graph.input("x", TensorType(DType.F32, (4, 4, 4, 4)))
    while len(graph) < count:
        perm = PERMS[len(graph) % len(PERMS)]
        y = graph.add(ops.Transpose(perm=perm), x, name="t", at=AT)
        x = graph.add(ops.Add(), graph.add(Opaque(), y, name="o", at=AT), start, name="a", at=AT)
    graph.output("y", x)
    return graph


@pytest.mark.parametrize("make", [residual, mixed])
def test_time_grows_with_the_graph(make: Callable[[int], Graph]) -> None:
    times = []
    for count in (2500, 10_000):
        graph = make(count)
        start = time.process_time()
        settle_transposes.run(graph)
        times.append(time.process_time() - start)
        verify(graph)
    assert times[1] < 14 * times[0]  # four times as many: quadratic were 16, and machines are noisy
    assert times[1] < 20


def test_a_residual_network_has_none_inside() -> None:
    graph = residual(500)
    run_passes(graph, (settle_transposes,))
    assert transposes(graph) == [LAST, FIRST]
    counts = count_transposes(graph)
    assert (counts.inside, counts.at_ports) == (0, 2)

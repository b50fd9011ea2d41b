"""Pairs of layers that OpenCV fuses: it computes what the IR says, or they are kept apart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mgeconvert.errors import Location
from mgeconvert.ir import DType, Graph, Op, TensorType, Value, evaluate, ops
from tests.caffe_backend.running import Options, difference, export, run_opencv, run_reader

AT = Location("test")
TOLERANCE = 1e-5  # of the largest element
RANDOM = np.random.default_rng(0)
Make = Callable[[Graph, Value], Value]
IMAGE = (1, 6, 5, 7)


def numbers(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape).astype(np.float32)


def made(op: Op, *arrays: np.ndarray) -> Make:
    """Return what puts `op` behind a value, the arrays being its further operands."""

    def make(graph: Graph, x: Value) -> Value:
        constants = [graph.constant("c", array) for array in arrays]
        return graph.add(op, x, *constants, name=type(op).__name__.lower(), at=AT)

    return make


def by_channel(op: Op) -> Make:
    """Return what combines each channel with a number."""
    return lambda graph, x: made(op, numbers(channels(x), *(1,) * (x.type.rank - 2)))(graph, x)


def by_column(op: Op) -> Make:
    return lambda graph, x: made(op, numbers(int(x.type.shape[-1])))(graph, x)


def channels(x: Value) -> int:
    return int(x.type.shape[1])


def batch_norm(graph: Graph, x: Value) -> Value:
    c = channels(x)
    positive = [np.abs(numbers(c)) + np.float32(0.5) for _ in range(2)]
    return made(ops.BatchNorm(epsilon=1e-5), positive[0], numbers(c), numbers(c), positive[1])(
        graph, x
    )


def linear(graph: Graph, x: Value) -> Value:
    return made(ops.Linear(), numbers(5, int(x.type.shape[-1])), numbers(5))(graph, x)


def convolved(op: type[Op], groups: int, kernel: int) -> Make:
    def make(graph: Graph, x: Value) -> Value:
        spatial = x.type.rank - 2
        up = op is ops.ConvTranspose
        extra = {"output_padding": (0,) * spatial} if up else {}
        made_op = op(
            stride=(2 if up else 1,) * spatial,
            padding=((0, 0),) * spatial,
            dilation=(1,) * spatial,
            groups=groups,
            **extra,
        )
        return made(made_op, numbers(6, 6 // groups, *(kernel,) * spatial), numbers(6))(graph, x)

    return make


def twice(op: Op) -> Make:
    """Return what combines a value with a part of itself that OpenCV computes apart."""

    def make(graph: Graph, x: Value) -> Value:
        return graph.add(op, x, made(ops.Sigmoid())(graph, x), name="pair", at=AT)

    return make


FIRST: dict[str, tuple[Make, tuple[int, ...]]] = {
    "linear 2": (linear, (3, 4)),
    "linear 3": (linear, (2, 3, 4)),
    "linear 4": (linear, (2, 3, 4, 6)),
    **{
        f"{op.__name__} {groups}": (convolved(op, groups, 2), IMAGE)
        for op in (ops.Conv, ops.ConvTranspose)
        for groups in (1, 2, 6)
    },
    "Conv of a sequence": (convolved(ops.Conv, 2, 3), (2, 6, 7)),
    "Conv of a volume": (convolved(ops.Conv, 2, 2), (1, 6, 4, 5, 4)),
    "batch norm": (batch_norm, IMAGE),
    "channels": (by_channel(ops.Mul()), IMAGE),
    "columns": (by_column(ops.Mul()), IMAGE),
    "square": (made(ops.Pow(), np.float32([2])), IMAGE),
    **{
        f"{op.__name__} of {len(shape)} axes, {shape[0]}": (twice(op()), shape)
        for op in (ops.Add, ops.Sub, ops.Mul, ops.Maximum)
        for shape in ((1, 6), (3, 6), (1, 6, 4), (2, 6, 4), IMAGE, (1, 6, 1, 1), (2, 6, 2, 3, 4))
    },
    "sigmoid": (made(ops.Sigmoid()), (1, 6)),
    "softmax": (made(ops.Softmax(axis=1)), (2, 6, 4)),
    "pooling": (made(ops.AvgPool(kernel=(2, 2), stride=(2, 2), padding=((0, 0),) * 2)), IMAGE),
    "concat": (lambda graph, x: graph.add(ops.Concat(axis=1), x, x, name="joined", at=AT), IMAGE),
}
THEN: dict[str, Make] = {
    "batch norm": batch_norm,
    "times": made(ops.Mul(), np.float32([2.5])),
    "plus": made(ops.Add(), np.float32([2.5])),
    "times channels": by_channel(ops.Mul()),
    "plus channels": by_channel(ops.Add()),
    "times columns": by_column(ops.Mul()),
    "plus columns": by_column(ops.Add()),
    "relu": made(ops.Relu()),
    "prelu": by_channel(ops.PRelu()),
    "square": made(ops.Pow(), np.float32([2])),
}
CHAINS = [
    *(pytest.param((name,), id=name) for name in THEN),
    *(
        pytest.param((first, second), id=f"{first}, {second}", marks=pytest.mark.full)
        for first in ("times", "plus channels", "batch norm")
        for second in THEN
    ),
]


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("first", FIRST)
def test_chain(first: str, chain: tuple[str, ...]) -> None:
    make, shape = FIRST[first]
    graph = Graph()
    value = make(graph, graph.input("x", TensorType(DType.F32, shape)))
    for name in chain:
        value = THEN[name](graph, value)
    graph.output("y", value)
    feeds = {"x": numbers(*shape)}
    want = evaluate(graph, feeds)["y"]
    files = export(graph, Options())
    for run in (run_reader, run_opencv):
        assert not difference(want, run(files, feeds)["y"], tolerance=TOLERANCE), run.__name__

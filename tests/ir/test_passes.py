"""The passes: what they change, what they leave alone, and that numbers stay."""

from __future__ import annotations

import numpy as np
import pytest

from mgeconvert.errors import InternalError, Location
from mgeconvert.ir import DType, Graph, Op, TensorType, Value, evaluate, ops
from mgeconvert.ir.dims import symbol
from mgeconvert.ir.passes import (
    changed_numbers,
    drop_dead,
    fold_batch_norm,
    fold_constants,
    graph_pass,
    merge_constants,
    remove_identities,
    run_passes,
)

pytestmark = pytest.mark.core

AT = Location("test")
RANDOM = np.random.RandomState(1)


def array(*shape: int) -> np.ndarray:
    return RANDOM.uniform(-1, 1, shape).astype(np.float32)


def kinds(graph: Graph) -> list[str]:
    return [type(n.op).__name__ for n in graph]


class Net:
    """A graph under construction with one input."""

    def __init__(self, *shape: int) -> None:
        self.graph = Graph()
        self.x = self.graph.input("x", TensorType(DType.F32, shape))

    def add(self, op: Op, *inputs: Value, name: str = "v") -> Value:
        return self.graph.add(op, *inputs, name=name, at=AT)

    def const(self, value: np.ndarray, name: str = "c") -> Value:
        return self.graph.constant(name, value)

    def batch_norm(self, x: Value, channels: int) -> Value:
        parts = [self.const(array(channels), n) for n in ("g", "b", "m")]
        variance = self.const(np.abs(array(channels)) + 0.1, "v")
        return self.add(ops.BatchNorm(epsilon=1e-3), x, *parts, variance, name="bn")


CONV = ops.Conv(stride=(1, 1), padding=((1, 1), (0, 1)), dilation=(1, 1), groups=2)
TRANSPOSED = ops.ConvTranspose(
    stride=(2, 1), padding=((1, 0), (0, 0)), output_padding=(1, 0), dilation=(1, 1), groups=2
)


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize(
    ("op", "shape", "weight", "channels"),
    [
        (CONV, (2, 4, 5, 6), (6, 2, 3, 2), 6),
        (TRANSPOSED, (2, 4, 5, 6), (4, 3, 3, 2), 6),
        (ops.Linear(), (3, 4), (5, 4), 5),
    ],
)
def test_batch_norm_is_folded(op: Op, shape, weight, channels: int, biased: bool) -> None:
    net = Net(*shape)
    w = net.const(array(*weight), "m.weight")
    bias = [net.const(array(channels), "m.bias")] if biased else []
    y = net.add(op, net.x, w, *bias, name="conv")
    net.graph.output("y", net.batch_norm(y, channels))
    feeds = {"x": array(*shape)}
    want = evaluate(net.graph, feeds)["y"]
    check = changed_numbers(feeds, rtol=1e-4, atol=1e-5)
    run_passes(net.graph, (fold_batch_norm, drop_dead), check)
    (node,) = net.graph
    assert isinstance(node.op, type(op))
    assert [v.name for v in node.inputs[1:]] == ["m.weight", "m.bias"]
    np.testing.assert_allclose(evaluate(net.graph, feeds)["y"], want, rtol=1e-4, atol=1e-5)


def test_batch_norms_of_batch_norms_are_folded_one_after_the_other() -> None:
    """So many weights that the second product would begin before the first one is there."""
    net = Net(2, 1024)
    y = net.add(ops.Linear(), net.x, net.const(array(2048, 1024), "m.weight"), name="linear")
    for _ in range(3):
        y = net.batch_norm(y, 2048)
    net.graph.output("y", y)
    feeds = {"x": array(2, 1024)}
    want = evaluate(net.graph, feeds)["y"]
    run_passes(net.graph, (fold_batch_norm, drop_dead))
    assert kinds(net.graph) == ["Linear"]
    got = evaluate(net.graph, feeds)["y"]
    np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-3 * np.abs(want).max())


def test_batch_norm_stays_where_the_convolution_is_needed() -> None:
    net = Net(2, 4, 5, 6)
    y = net.add(CONV, net.x, net.const(array(6, 2, 3, 2)), name="conv")
    net.graph.output("raw", y)
    net.graph.output("y", net.batch_norm(y, 6))
    run_passes(net.graph, (fold_batch_norm,))
    assert kinds(net.graph) == ["Conv", "BatchNorm"]


def test_batch_norm_stays_after_a_linear_layer_of_higher_rank() -> None:
    net = Net(2, 5, 4)
    y = net.add(ops.Linear(), net.x, net.const(array(5, 4)))
    net.graph.output("y", net.batch_norm(y, 5))
    run_passes(net.graph, (fold_batch_norm,))
    assert kinds(net.graph) == ["Linear", "BatchNorm"]


def test_constants_are_folded_and_large_ones_not_blown_up() -> None:
    net = Net(3)
    small = net.add(ops.Add(), net.const(array(3)), net.const(array(3)))
    wide = net.add(ops.Expand(shape=(5000, 3)), net.const(array(1, 3)))
    net.graph.output("y", net.add(ops.Add(), net.x, small))
    net.graph.output("z", net.add(ops.Add(), net.x, wide))
    run_passes(net.graph, (fold_constants, drop_dead))
    assert kinds(net.graph) == ["Expand", "Add", "Add"]


def test_shape_arithmetic_is_folded_unless_symbolic() -> None:
    graph = Graph()
    graph.input("x", TensorType(DType.F32, (symbol("N"),)))
    for name, dims in {"known": (2, 3), "open": (symbol("N"), 3)}.items():
        vector = graph.add(ops.DimVector(dims=dims), name=name, at=AT)
        graph.output(name, graph.add(ops.Neg(), vector, name="n", at=AT))
    run_passes(graph, (fold_constants, drop_dead))
    assert kinds(graph) == ["DimVector", "Neg"]
    got = evaluate(graph, {"x": array(7)})
    assert got["known"].tolist() == [-2, -3]
    assert got["open"].tolist() == [-7, -3]


def test_equal_constants_are_merged_bit_for_bit() -> None:
    net = Net(2)
    values = [np.array(v, np.float32) for v in ([0.0, 1.0], [0.0, 1.0], [-0.0, 1.0])]
    for i, value in enumerate(values):
        net.graph.output(f"y{i}", net.add(ops.Add(), net.x, net.const(value)))
    run_passes(net.graph, (merge_constants,))
    assert len(net.graph.constants()) == 2
    long = Net(40)
    for i, last in enumerate((1.0, 2.0)):
        value = np.zeros(40, np.float32)
        value[-1] = last
        long.graph.output(f"y{i}", long.add(ops.Add(), long.x, long.const(value)))
    run_passes(long.graph, (merge_constants,))
    assert len(long.graph.constants()) == 2


@pytest.mark.parametrize(
    "op",
    [
        ops.Identity(),
        ops.Transpose(perm=(0, 1)),
        ops.Reshape(shape=(2, 3)),
        ops.Cast(to=DType.F32),
        ops.Expand(shape=(2, 3)),
        ops.Slice(starts=(0, 0), sizes=(2, 3), steps=(1, 1)),
    ],
)
def test_what_does_nothing_goes(op: Op) -> None:
    net = Net(2, 3)
    net.graph.output("y", net.add(op, net.x))
    run_passes(net.graph, (remove_identities,))
    assert kinds(net.graph) == []
    assert net.graph.outputs[0].value is net.x


def test_a_flip_is_kept() -> None:
    net = Net(2, 3)
    flip = ops.Slice(starts=(1, 0), sizes=(2, 3), steps=(-1, 1))
    net.graph.output("y", net.add(flip, net.x))
    run_passes(net.graph, (remove_identities,))
    assert kinds(net.graph) == ["Slice"]


@graph_pass()
def forget_relu(graph: Graph) -> bool:
    """Remove every relu: a pass that is wrong."""
    for node in graph:
        if isinstance(node.op, ops.Relu):
            graph.replace_node(node, node.inputs[0])
    return True


@graph_pass()
def break_types(graph: Graph) -> bool:
    """Change an operator without its type."""
    next(iter(graph)).op = ops.Reshape(shape=(6,))
    return True


def test_a_pass_that_changes_numbers_is_named() -> None:
    net = Net(2, 3)
    net.graph.output("y", net.add(ops.Relu(), net.x))
    check = changed_numbers({"x": array(2, 3)}, rtol=1e-5, atol=1e-6)
    with pytest.raises(InternalError, match="pass forget_relu changed output 'y'"):
        run_passes(net.graph, (remove_identities, forget_relu, drop_dead), check)


def test_a_pass_that_is_there_to_round_may_change_numbers() -> None:
    net = Net(2, 3)
    net.graph.output("y", net.add(ops.Relu(), net.add(ops.Relu(), net.x)))
    rounding = (forget_relu.name,)
    check = changed_numbers({"x": array(2, 3)}, rtol=1e-5, atol=1e-6, rounding=rounding)
    run_passes(net.graph, (forget_relu, drop_dead), check)
    wrong = changed_numbers({"x": array(2, 3)}, rtol=1e-5, atol=1e-6)
    net = Net(2, 3)
    net.graph.output("y", net.add(ops.Relu(), net.x))
    with pytest.raises(InternalError, match="pass forget_relu changed output 'y'"):
        run_passes(net.graph, (forget_relu,), wrong)


def test_a_pass_that_breaks_the_graph_is_named() -> None:
    net = Net(2, 3)
    net.graph.output("y", net.add(ops.Relu(), net.x))
    with pytest.raises(InternalError, match=r"pass break_types \(after drop_dead\)"):
        run_passes(net.graph, (drop_dead, break_types))


def test_order_is_checked() -> None:
    @graph_pass(after=(fold_constants,))
    def late(graph: Graph) -> bool:
        """Do nothing."""
        return False

    with pytest.raises(InternalError, match="late must come after fold_constants"):
        run_passes(Net(1).graph, (late,))
    run_passes(Net(1).graph, (fold_constants, late))


def test_new_nodes_say_which_pass_made_them() -> None:
    net = Net(3, 4)
    y = net.add(ops.Linear(), net.x, net.const(array(5, 4)))
    net.graph.output("y", net.batch_norm(y, 5))
    run_passes(net.graph, (fold_batch_norm,))
    assert next(iter(net.graph)).via == ("fold_batch_norm",)

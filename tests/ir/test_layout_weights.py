"""Weights that are permuted so that the data before them need not be."""

from __future__ import annotations

import numpy as np
import pytest

from mgeconvert.ir import DType, Graph, Quant, TensorType, Value, evaluate, ops
from mgeconvert.ir.dims import symbol
from mgeconvert.ir.passes import run_passes
from mgeconvert.ir.passes.layout import (
    permute_weights_after_flatten,
    permute_weights_before_unflatten,
    settle_transposes,
)
from tests.ir.layout_stand_ins import AT, FIRST, Opaque, transposes

pytestmark = pytest.mark.core

RANDOM = np.random.RandomState(2)
N = symbol("N")


def array(*shape: int) -> np.ndarray:
    return RANDOM.uniform(-1, 1, shape).astype(np.float32)


class Net:
    """A graph with an image (N, 3, 4, 5) that a transposition makes of its input."""

    def __init__(self) -> None:
        self.graph = Graph()
        self.image = self.branch("x")

    def branch(self, name: str) -> Value:
        x = self.graph.input(name, TensorType(DType.F32, (N, 4, 5, 3)))
        return self.add(ops.Transpose(perm=FIRST), self.add(Opaque(), x))

    def add(self, op: ops.Identity, *inputs: Value) -> Value:
        return self.graph.add(op, *inputs, name="v", at=AT)

    def const(self, *shape: int) -> Value:
        return self.graph.constant("w", array(*shape))

    def flat(self, image: Value | None = None) -> Value:
        return self.add(ops.Reshape(shape=(N, 60)), image or self.image)

    def linear(self, x: Value, features: int = 60) -> Value:
        return self.add(ops.Linear(), x, self.const(7, features), self.const(7))

    def check(self, *outputs: Value, left: int = 0) -> None:
        """Run both passes; the results must stay, and `left` transpositions."""
        for i, value in enumerate(outputs):
            self.graph.output(f"y{i}", value)
        feeds = {p.name: array(2, 4, 5, 3) for p in self.graph.inputs}
        want = evaluate(self.graph, feeds)
        run_passes(self.graph, (settle_transposes, permute_weights_after_flatten))
        assert len(transposes(self.graph)) == left
        for name, got in evaluate(self.graph, feeds).items():
            np.testing.assert_allclose(got, want[name], rtol=1e-5, atol=1e-5)
        assert not permute_weights_after_flatten.run(self.graph)
        assert not settle_transposes.run(self.graph)


def test_linear() -> None:
    net = Net()
    net.check(net.linear(net.flat()))
    assert [type(n.op).__name__ for n in net.graph] == ["Opaque", "Reshape", "Linear"]
    assert [v.name for v in net.graph.constants()] == ["w", "w_1"]


@pytest.mark.parametrize("shape", [(60, 6), (1, 60, 6)])
def test_matrix(shape: tuple[int, ...]) -> None:
    net = Net()
    net.check(net.add(ops.MatMul(), net.flat(), net.const(*shape)))


def test_several_layers_share_the_features() -> None:
    net = Net()
    flat = net.flat()
    net.check(net.linear(flat), net.linear(net.add(ops.Relu(), flat)))


def test_elementwise_operators_between() -> None:
    net = Net()
    x = net.add(ops.Mul(), net.flat(), net.const(60))
    x = net.add(ops.Add(), net.const(1, 1), x)
    x = net.add(ops.Mul(), x, net.add(ops.Sigmoid(), x))
    x = net.add(ops.Sub(), x, net.graph.constant("s", np.float32(0.5)))
    net.check(net.linear(x))


def test_joined_features() -> None:
    net = Net()
    other = net.graph.input("other", TensorType(DType.F32, (N, 4, 5, 3)))
    parts = [net.add(ops.Reshape(shape=(N, 60)), other), net.flat(), net.flat(net.branch("x2"))]
    joined = net.add(ops.Concat(axis=1), *parts)
    net.check(net.linear(net.add(ops.Relu(), joined), 180))


def test_features_of_each_row() -> None:
    net = Net()
    x = net.add(ops.Transpose(perm=(0, 2, 1, 3)), net.image)  # N, H, C, W of an N, H, W, C
    net.check(net.linear(net.add(ops.Reshape(shape=(N, 4, 15)), x), 15))


def test_an_output_of_features_stays() -> None:
    net = Net()
    flat = net.flat()
    net.check(flat, net.linear(flat), left=1)


def test_other_readers_of_features() -> None:
    net = Net()
    flat = net.flat()
    net.check(net.add(ops.Softmax(axis=1), flat), net.linear(flat), left=1)


def test_two_unlike_orders_do_not_add_up() -> None:
    net = Net()
    other = net.graph.input("other", TensorType(DType.F32, (N, 4, 5, 3)))
    total = net.add(ops.Add(), net.flat(), net.add(ops.Reshape(shape=(N, 60)), other))
    net.check(net.linear(total), left=1)


def test_a_layout_that_first_passes_a_reshape() -> None:
    net = Net()
    x = net.add(ops.Transpose(perm=(2, 1, 3, 0)), net.image)  # H, C, W, N
    x = net.add(ops.Reshape(shape=(4, 15, N)), x)
    x = net.add(ops.Transpose(perm=(2, 0, 1)), x)
    net.check(net.linear(x, 15))


def test_channels_before_the_features_stay() -> None:
    net = Net()
    net.check(net.linear(net.add(ops.Reshape(shape=(N, 3, 20)), net.image), 20), left=1)


def test_weights_with_a_scale_for_each_feature_stay() -> None:
    net = Net()
    y = net.linear(net.flat())
    weight = y.producer.inputs[1]
    weight.quant = Quant(DType.I8, -128, 127, (0.5,) * 60, axis=1)
    net.check(y, left=1)


def test_weights_with_a_scale_for_each_row_keep_it() -> None:
    net = Net()
    y = net.linear(net.flat())
    quant = Quant(DType.I8, -128, 127, (0.5,) * 7, axis=0)
    y.producer.inputs[1].quant = quant
    net.check(y)
    assert net.graph.constants()[0].quant == quant


def test_weights_that_are_computed_stay() -> None:
    net = Net()
    weight = net.graph.input("w", TensorType(DType.F32, (4, 5, 3)))
    w = net.add(ops.Reshape(shape=(1, 60)), weight)
    net.graph.output("y", net.add(ops.Linear(), net.flat(), w))
    run_passes(net.graph, (settle_transposes, permute_weights_after_flatten))
    assert len(transposes(net.graph)) == 1


class Decoder:
    """A layer on (N, 6) that gives (N, 3, 4, 5), and a transposition to N,H,W,C behind it."""

    def __init__(self) -> None:
        self.graph = Graph()
        self.x = self.graph.input("x", TensorType(DType.F32, (N, 6)))

    def add(self, op: ops.Identity, *inputs: Value) -> Value:
        return self.graph.add(op, *inputs, name="v", at=AT)

    def const(self, *shape: int) -> Value:
        return self.graph.constant("w", array(*shape))

    def linear(self) -> Value:
        return self.add(ops.Linear(), self.x, self.const(60, 6), self.const(60))

    def image(self, flat: Value, shape: tuple[int, ...] = (3, 4, 5)) -> Value:
        return self.add(ops.Reshape(shape=(N, *shape)), flat)

    def check(self, image: Value, *, left: int = 0) -> None:
        """Run both passes; the results must stay, and `left` transpositions."""
        y = self.add(ops.Transpose(perm=(0, 2, 3, 1)), image)
        self.graph.output("y", self.add(Opaque(), y))
        feeds = {"x": array(2, 6)}
        want = evaluate(self.graph, feeds, quantized=True)
        run_passes(self.graph, (settle_transposes, permute_weights_before_unflatten))
        assert len(transposes(self.graph)) == left
        for name, got in evaluate(self.graph, feeds, quantized=True).items():
            np.testing.assert_allclose(got, want[name], rtol=1e-5, atol=1e-5)
        assert not permute_weights_before_unflatten.run(self.graph)


def test_unflattened_linear() -> None:
    net = Decoder()
    net.check(net.image(net.linear()))
    assert [type(n.op).__name__ for n in net.graph] == ["Linear", "Reshape", "Opaque"]


def test_unflattened_product_with_operators_between() -> None:
    net = Decoder()
    y = net.add(ops.MatMul(), net.x, net.const(6, 60))
    y = net.add(ops.Mul(), net.const(1, 60), net.add(ops.Relu(), y))
    net.check(net.image(net.add(ops.Add(), y, net.const(1))))


def test_operators_behind_the_unflatten() -> None:
    net = Decoder()
    y = net.add(ops.Mul(), net.image(net.linear()), net.const(3, 1, 1))
    y = net.add(ops.Add(), net.add(ops.Neg(), y), net.const(1, 1, 4, 5))
    net.check(net.add(ops.Sub(), net.graph.constant("s", np.float32(0.5)), y))
    assert [n.output.name for n in net.graph][-2:] == ["v_5", "v_7"]


def test_an_image_that_meets_another_stays() -> None:
    net = Decoder()
    net.check(net.add(ops.Mul(), net.image(net.linear()), net.image(net.linear())), left=1)


def test_scales_for_each_row_move_along() -> None:
    net = Decoder()
    y = net.linear()
    scales = tuple(float(s) for s in np.linspace(0.01, 0.1, 60).astype(np.float32))
    y.producer.inputs[1].quant = Quant(DType.I8, -128, 127, scales, axis=0)
    net.check(net.image(y))
    assert net.graph.constants()[0].quant.scale[:3] == scales[::20]


def test_features_that_somebody_else_reads() -> None:
    net = Decoder()
    y = net.linear()
    net.graph.output("flat", y)
    net.check(net.image(y), left=1)


def test_an_image_that_somebody_else_reads() -> None:
    net = Decoder()
    image = net.image(net.linear())
    net.graph.output("image", image)
    net.check(image, left=1)


def test_a_softmax_over_the_features_stays() -> None:
    net = Decoder()
    net.check(net.image(net.add(ops.Softmax(axis=1), net.linear())), left=1)

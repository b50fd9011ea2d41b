"""The graph's invariants, its methods and the verifier that guards them."""

from __future__ import annotations

import numpy as np
import pytest

from mgeconvert.errors import InternalError, Location, ShapeError
from mgeconvert.ir import DType, Graph, TensorType, Value, evaluate, ops, verify
from mgeconvert.ir.dims import symbol

pytestmark = pytest.mark.core

AT = Location("test", "Op", "name")
F32 = TensorType(DType.F32, (2, 3))


def chain(length: int) -> Graph:
    graph = Graph()
    value = graph.input("x", F32)
    for _ in range(length):
        value = graph.add(ops.Relu(), value, name="r", at=AT)
    graph.output("y", value)
    return graph


def test_names_are_made_unique() -> None:
    graph = chain(3)
    assert [n.output.name for n in graph] == ["r", "r_1", "r_2"]
    verify(graph)


def test_replace_keeps_public_names() -> None:
    graph = chain(2)
    first, second = graph
    graph.replace_node(second, first.output)
    assert [p.name for p in graph.outputs] == ["y"]
    assert graph.outputs[0].value is first.output
    verify(graph)


def test_a_replacement_takes_the_name() -> None:
    graph = chain(1)
    (node,) = graph
    new = graph.add(ops.Abs(), node.inputs[0], name=node.output.name, at=AT, before=node)
    graph.replace_node(node, new)
    assert new.name == "r"
    verify(graph)


def test_users_count_each_use() -> None:
    graph = Graph()
    x = graph.input("x", F32)
    y = graph.add(ops.Add(), x, x, name="y", at=AT)
    graph.output("a", y)
    graph.output("b", y)
    assert [n.output for n in x.users] == [y]
    graph.replace(x, graph.constant("c", np.zeros((2, 3), np.float32)))
    assert not x.is_used
    assert evaluate(graph, {"x": np.ones((2, 3), np.float32)})["b"].sum() == 0
    verify(graph)


def test_a_used_node_stays() -> None:
    graph = chain(2)
    first, _ = graph
    with pytest.raises(InternalError, match="still used"):
        graph.remove(first)


def test_a_wrong_shape_names_the_place() -> None:
    graph = Graph()
    x = graph.input("x", F32)
    with pytest.raises(ShapeError) as caught:
        graph.add(ops.Reshape(shape=(7,)), x, name="y", at=AT)
    assert caught.value.at == AT


def test_symbols_are_bound_by_the_feeds() -> None:
    n = symbol("N")
    graph = Graph()
    x = graph.input("x", TensorType(DType.F32, (n, 4)))
    y = graph.add(ops.Reshape(shape=(2, 2 * n)), x, name="y", at=AT)
    graph.output("y", y)
    assert evaluate(graph, {"x": np.zeros((3, 4), np.float32)})["y"].shape == (2, 6)
    with pytest.raises(ShapeError, match="'x' is"):
        evaluate(graph, {"x": np.zeros((3, 4), np.int32)})
    with pytest.raises(ShapeError, match="shape"):
        evaluate(graph, {"x": np.zeros((3, 5), np.float32)})


def broken_type(graph: Graph) -> None:
    node = next(iter(graph))
    node.output.type = TensorType(DType.F32, (1,))


def broken_order(graph: Graph) -> None:
    first, second = graph
    graph.set_inputs(first, [second.output])


def broken_producer(graph: Graph) -> None:
    first, second = graph
    second.output.producer = first


def broken_users(graph: Graph) -> None:
    first, second = graph
    second.inputs = first.inputs


def broken_arity(graph: Graph) -> None:
    first, _ = graph
    graph.set_inputs(first, [first.inputs[0], first.inputs[0]])


def broken_output(graph: Graph) -> None:
    graph.output("z", Value("stranger", F32))


@pytest.mark.parametrize(
    "damage",
    [broken_type, broken_order, broken_producer, broken_users, broken_arity, broken_output],
)
def test_the_verifier_sees_damage(damage) -> None:
    graph = chain(2)
    verify(graph)
    damage(graph)
    with pytest.raises(InternalError):
        verify(graph)


def test_large_graphs_are_quick() -> None:
    graph = chain(10_000)
    assert len(graph) == 10_000
    for node in list(graph)[1:]:
        graph.replace_node(node, node.inputs[0])
    verify(graph)
    assert len(graph) == 1


def test_an_input_of_another_shape_is_named_with_its_symbols():
    graph = Graph()
    graph.output("y", graph.input("x", TensorType(DType.F32, (symbol("N"), 3))))
    with pytest.raises(ShapeError, match=r"the shape \[2, 4\], where float32\[N, 3\] is asked for"):
        evaluate(graph, {"x": np.zeros((2, 4), np.float32)})


def test_a_negative_size_is_told() -> None:
    with pytest.raises(ShapeError, match="negative size"):
        ops.Expand(shape=(-2, 3)).infer([TensorType(DType.F32, (3,))])

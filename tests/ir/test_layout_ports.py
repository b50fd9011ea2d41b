"""Transpositions that leave the graph by its ports, and how they are counted."""

from __future__ import annotations

import numpy as np
import pytest

from mgeconvert.ir import DType, Graph, Quant, TensorType, Value, evaluate, ops, verify
from mgeconvert.ir.passes.layout import count_transposes, move_to_ports
from mgeconvert.ir.text import parse
from tests.ir.layout_stand_ins import AT, FIRST, LAST, Opaque

pytestmark = pytest.mark.core

NETWORK = """
input x = %x: float32[N, 3, 4, 5]
%a: float32[N, 4, 5, 3] = Transpose(perm=(0, 2, 3, 1))(%x)
%b: float32[N, 4, 5, 3] = Opaque()(%a)
%y: float32[N, 3, 4, 5] = Transpose(perm=(0, 3, 1, 2))(%b)
output y = %y
"""


def shown(graph: Graph) -> list[str]:
    return [str(node) for node in graph]


def test_inputs_and_outputs_change() -> None:
    graph = parse(NETWORK)
    x = np.arange(120, dtype=np.float32).reshape(2, 3, 4, 5)
    want = evaluate(graph, {"x": x})["y"]
    assert move_to_ports(graph) == {"x": LAST, "y": LAST}
    verify(graph)
    assert shown(graph) == ["%b: float32[N, 4, 5, 3] = Opaque()(%x)"]
    assert str(graph.inputs[0].value) == "%x: float32[N, 4, 5, 3]"
    got = evaluate(graph, {"x": x.transpose(LAST)})["y"]
    np.testing.assert_array_equal(got, want.transpose(LAST))
    assert move_to_ports(graph) == {}


def test_other_ranks_only_where_wanted() -> None:
    graph = Graph()
    x = graph.input("x", TensorType(DType.F32, (2, 3, 4)))
    y = graph.add(
        Opaque(), graph.add(ops.Transpose(perm=(0, 2, 1)), x, name="t", at=AT), name="y", at=AT
    )
    graph.output("y", y)
    assert move_to_ports(graph) == {}
    assert move_to_ports(graph, ranks=(3,)) == {"x": (0, 2, 1)}
    verify(graph)


@pytest.mark.parametrize(
    "other",
    [
        "%o: float32[N, 3, 4, 5] = Opaque()(%x)",
        "%o: float32[N, 5, 3, 4] = Transpose(perm=(0, 3, 1, 2))(%x)",
    ],
)
def test_an_input_that_is_read_in_two_ways_stays(other: str) -> None:
    graph = parse(f"{NETWORK}{other}\noutput z = %o")
    assert move_to_ports(graph) == {"y": LAST}
    verify(graph)
    assert str(graph.inputs[0].value) == "%x: float32[N, 3, 4, 5]"


def test_an_input_that_is_an_output_stays() -> None:
    graph = parse(f"{NETWORK}output z = %x")
    assert move_to_ports(graph) == {"y": LAST}


def test_an_output_that_others_read_keeps_the_transposition_for_them() -> None:
    graph = parse(f"{NETWORK}%z: float32[N, 3, 4, 5] = Opaque()(%y)\noutput z = %z\noutput w = %y")
    assert move_to_ports(graph) == {"x": LAST, "y": LAST, "w": LAST}
    verify(graph)
    assert count_transposes(graph).inside == 1
    assert [p.value.name for p in graph.outputs] == ["b", "z", "b"]


def test_an_input_that_is_only_transposed_is_no_output() -> None:
    graph = parse(
        "input x = %x: float32[2, 3, 4, 5]\n"
        "%y: float32[2, 5, 3, 4] = Transpose(perm=(0, 3, 1, 2))(%x)\noutput y = %y"
    )
    assert move_to_ports(graph) == {}
    assert (count_transposes(graph).inside, count_transposes(graph).at_ports) == (0, 1)


def test_one_channel_is_a_reshape() -> None:
    graph = parse(
        "input x = %x: float32[N, 1, 4, 5]\n"
        "%a: float32[N, 4, 5, 1] = Reshape(shape=({N}, 4, 5, 1))(%x)\n"
        "%y: float32[N, 4, 5, 1] = Opaque()(%a)\noutput y = %y"
    )
    assert move_to_ports(graph) == {"x": LAST}
    verify(graph)
    assert shown(graph) == ["%y: float32[N, 4, 5, 1] = Opaque()(%x)"]


def test_scales_by_channel_move_with_the_axis() -> None:
    graph = Graph()
    scales = (0.5, 0.25, 0.125)
    x = graph.input("x", TensorType(DType.F32, (2, 3, 4, 5)))
    x.quant = Quant(DType.I8, -128, 127, scales, axis=1)

    def add(op: ops.Transpose | Opaque, value: Value, axis: int) -> Value:
        made = graph.add(op, value, name="v", at=AT)
        made.quant = Quant(DType.I8, -128, 127, scales, axis=axis)
        return made

    y = add(Opaque(), add(ops.Transpose(perm=LAST), x, 3), 3)
    graph.output("y", add(ops.Transpose(perm=FIRST), y, 1))
    assert set(move_to_ports(graph)) == {"x", "y"}
    verify(graph)
    ports = (*graph.inputs, *graph.outputs)
    assert [p.value.quant.axis for p in ports if p.value.quant] == [3, 3]


def test_a_port_keeps_a_transposition_that_rounds() -> None:
    graph = parse(NETWORK)
    graph.outputs[0].value.quant = Quant(DType.I8, -128, 127, (0.5,))
    assert move_to_ports(graph) == {"x": LAST}
    assert count_transposes(graph).at_ports == 1

"""QuantizeLinear and DequantizeLinear: pairs are parameters, the rest is arithmetic."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, TensorProto

from mgeconvert.errors import ConversionFailed
from mgeconvert.ir import DType, Graph, Quant, ops
from mgeconvert.ir.interpret import evaluate
from tests.onnx_frontend.building import model, node, read
from tests.onnx_frontend.round_trip import export_quantized, read_bytes

RANDOM = np.random.RandomState(0)
X = (4 * RANDOM.standard_normal((2, 3, 8, 8))).astype(np.float32)
W = RANDOM.randint(-127, 128, (4, 3, 3, 3)).astype(np.int8)
B = RANDOM.randint(-1000, 1000, 4).astype(np.int32)
SCALES = np.array([0.0113, 0.0217, 0.0319, 0.0423], np.float32)
F32 = np.float32


def rounded(graph: Graph, **feeds: np.ndarray) -> list[np.ndarray]:
    """Return what the graph computes, with all of its rounding."""
    return list(evaluate(graph, feeds, quantized=True).values())


def wanted(made: ModelProto, **feeds: np.ndarray) -> list[np.ndarray]:
    """Return what onnxruntime computes, operator by operator."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        made.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return list(session.run(None, feeds))


def pair(x: str, y: str, scale: str, zero: str, **attributes: int) -> list[object]:
    return [
        node("QuantizeLinear", [x, scale, zero], [f"{x}.q"], **attributes),
        node("DequantizeLinear", [f"{x}.q", scale, zero], [y], **attributes),
    ]


def network(*, axis: bool, dtype: type = np.uint8, zero: int = 128) -> ModelProto:
    """Return a quantized convolution: input, weights, bias and output."""
    scales = SCALES if axis else F32(0.0213)
    attributes = {"axis": 0} if axis else {}
    nodes = [
        *pair("x", "x.d", "sx", "zx"),
        node("DequantizeLinear", ["w", "sw", "zw"], ["w.d"], **attributes),
        node("DequantizeLinear", ["b", "sb"], ["b.d"], **attributes),
        node("Conv", ["x.d", "w.d", "b.d"], ["c"], pads=[1, 1, 1, 1]),
        node("Relu", ["c"], ["r"]),
        *pair("r", "y", "sy", "zy"),
    ]
    constants = {
        "sx": F32(0.0517),
        "zx": dtype(zero),
        "w": W,
        "sw": scales,
        "zw": np.zeros_like(scales, np.int8),
        "b": B,
        "sb": F32(0.0517) * scales,
        "sy": F32(0.0971),
        "zy": dtype(zero),
    }
    return model(nodes, {"x": X.shape}, ["y"], constants=constants, opset=13)


@pytest.mark.parametrize("axis", [False, True])
@pytest.mark.parametrize(("dtype", "zero"), [(np.uint8, 128), (np.int8, -3)])
def test_a_network_is_annotated_and_gives_onnxruntime_s_numbers(
    axis: bool, dtype: type, zero: int
) -> None:
    made = network(axis=axis, dtype=dtype, zero=zero)
    graph = read(made)
    (conv,) = [n for n in graph if isinstance(n.op, ops.Conv)]
    assert {type(n.op) for n in graph} == {ops.Identity, ops.Conv, ops.Relu}
    x, w, b = conv.inputs
    limits = np.iinfo(dtype)
    scale = (float(F32(0.0517)),)
    assert x.quant == Quant(DType.of(np.dtype(dtype)), limits.min, limits.max, scale, (zero,))
    assert w.quant is not None and b.quant is not None
    assert w.quant.dtype is DType.I8 and w.quant.axis == (0 if axis else None)
    assert b.quant.dtype is DType.I32 and b.quant.axis == (0 if axis else None)
    (got,), (want,) = rounded(graph, x=X), wanted(made, x=X)
    assert np.abs(got - want).max() <= 0.0972  # a step, where a sum lies on a tie
    assert (got != want).mean() < 1e-3


@pytest.mark.parametrize("opset", [13, 17, 21])
@pytest.mark.parametrize("axis", [False, True])
def test_the_way_to_onnx_and_back_changes_no_number(axis: bool, opset: int) -> None:
    (want,) = rounded(read(network(axis=axis)), x=X)
    (got,) = rounded(read_bytes(export_quantized(read(network(axis=axis)), opset)), x=X)
    assert np.array_equal(got, want)


@pytest.mark.parametrize(
    ("shape", "scale", "zero", "attributes"),
    [
        ((2, 3, 8, 8), F32(0.0517), np.uint8(100), {}),
        ((2, 3, 8, 8), np.array([0.05], F32), np.array([3], np.int8), {}),
        ((2, 3, 8, 8), np.array([0.1, 0.2, 0.3], F32), np.array([0, 5, -5], np.int8), {"axis": 1}),
        ((2, 3, 8, 8), np.array([0.1, 0.2], F32), np.array([0, 5], np.uint8), {"axis": -4}),
    ],
)
def test_whole_numbers_between_other_operators_are_computed(
    shape: tuple[int, ...], scale: np.ndarray, zero: np.ndarray, attributes: dict[str, int]
) -> None:
    moved = dict(attributes)
    if moved:
        moved["axis"] = (moved["axis"] + 1) % 4
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["q"], **attributes),
        node("Transpose", ["q"], ["t"], perm=[3, 0, 1, 2]),
        node("DequantizeLinear", ["t", "s", "z"], ["y"], **moved),
    ]
    made = model(nodes, {"x": shape}, ["y"], constants={"s": scale, "z": zero}, opset=13)
    x = X * 100  # beyond the range too
    assert np.array_equal(rounded(read(made), x=x)[0], wanted(made, x=x)[0])


def test_pairs_of_different_parameters_are_computed() -> None:
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        node("DequantizeLinear", ["q", "t", "z"], ["y"]),
    ]
    constants = {"s": F32(0.5), "t": F32(0.25), "z": np.uint8(9)}
    made = model(nodes, {"x": X.shape}, ["y"], constants=constants, opset=13)
    graph = read(made)
    assert all(v.quant is None for n in graph for v in n.outputs)
    assert np.array_equal(rounded(graph, x=X)[0], wanted(made, x=X)[0])


def test_ties_go_to_even_where_numbers_are_computed() -> None:
    nodes = [
        node("QuantizeLinear", ["x", "s"], ["q"]),
        node("Cast", ["q"], ["y"], to=TensorProto.FLOAT),
    ]
    x = np.array([0.5, 1.5, 2.5, 254.5, 300, -1], F32)
    made = model(nodes, {"x": x.shape}, ["y"], constants={"s": F32(1)}, opset=13)
    assert rounded(read(made), x=x)[0].tolist() == [0, 2, 2, 254, 255, 0]
    assert wanted(made, x=x)[0].tolist() == [0, 2, 2, 254, 255, 0]


@pytest.mark.parametrize("size", [4, 4 * 3 * 1000])
def test_float_weights_behind_a_pair_are_rounded_and_annotated(size: int) -> None:
    w = RANDOM.standard_normal((4, size // 4)).astype(F32)
    nodes = [
        *pair("w", "w.d", "s", "z", axis=0),
        node("Gemm", ["x", "w.d"], ["y"], transB=1),
    ]
    x = RANDOM.standard_normal((2, size // 4)).astype(F32)
    constants = {"w": w, "s": SCALES, "z": np.zeros(4, np.int8)}
    made = model(nodes, {"x": x.shape}, ["y"], constants=constants, opset=13)
    graph = read(made)
    (linear,) = [n for n in graph if isinstance(n.op, ops.Linear)]
    quant = linear.inputs[1].quant
    assert quant is not None and quant.axis == 0
    np.testing.assert_allclose(rounded(graph, x=x)[0], wanted(made, x=x)[0], rtol=1e-4, atol=1e-4)


def test_weights_that_gemm_turns_over_keep_their_scales() -> None:
    w = RANDOM.randint(-127, 128, (8, 4)).astype(np.int8)
    nodes = [
        node("DequantizeLinear", ["w", "s"], ["w.d"], axis=1),
        node("Gemm", ["x", "w.d"], ["y"]),
    ]
    x = RANDOM.standard_normal((2, 8)).astype(F32)
    made = model(nodes, {"x": x.shape}, ["y"], constants={"w": w, "s": SCALES}, opset=13)
    graph = read(made)
    (linear,) = [n for n in graph if isinstance(n.op, ops.Linear)]
    quant = linear.inputs[1].quant
    assert quant is not None and (quant.axis, len(quant.scale)) == (0, 4)
    np.testing.assert_allclose(rounded(graph, x=x)[0], wanted(made, x=x)[0], rtol=1e-5, atol=1e-5)


def test_inputs_of_whole_numbers_are_dequantized() -> None:
    nodes = [node("DequantizeLinear", ["x", "s", "z"], ["y"])]
    made = model(
        nodes,
        {"x": (5,)},
        ["y"],
        constants={"s": F32(0.1), "z": np.uint8(7)},
        types={"x": TensorProto.UINT8},
        opset=13,
    )
    x = np.array([0, 7, 8, 200, 255], np.uint8)
    assert np.array_equal(rounded(read(made), x=x)[0], wanted(made, x=x)[0])


def test_a_value_that_is_read_both_ways_keeps_its_numbers() -> None:
    nodes = [
        *pair("x", "d", "s", "z"),
        node("Sub", ["x", "d"], ["y"]),
    ]
    constants = {"s": F32(0.5), "z": np.uint8(128)}
    made = model(nodes, {"x": X.shape}, ["y"], constants=constants, opset=13)
    assert np.array_equal(rounded(read(made), x=X)[0], wanted(made, x=X)[0])
    again = read_bytes(export_quantized(read(made), 17))
    assert np.array_equal(rounded(again, x=X)[0], wanted(made, x=X)[0])


REFUSED: dict[str, tuple[Callable[[], ModelProto], str]] = {
    "scale": (
        lambda: model(
            [
                node("QuantizeLinear", ["x", "s"], ["q"]),
                node("DequantizeLinear", ["q", "s"], ["y"]),
            ],
            {"x": (4,), "s": ()},
            ["y"],
            opset=13,
        ),
        "only at run time",
    ),
    "blocks": (
        lambda: model(
            [node("DequantizeLinear", ["q", "s"], ["y"], axis=0, block_size=2)],
            {},
            ["y"],
            constants={"q": np.zeros((4, 2), np.int8), "s": np.ones((2, 2), F32)},
            opset=21,
        ),
        "block_size = 2",
    ),
    "count": (
        lambda: model(
            pair("x", "y", "s", "z", axis=1),
            {"x": (2, 3)},
            ["y"],
            constants={"s": SCALES, "z": np.zeros(4, np.uint8)},
            opset=13,
        ),
        "4 scales for axis 1",
    ),
    "negative": (
        lambda: model(
            pair("x", "y", "s", "z"),
            {"x": (2, 3)},
            ["y"],
            constants={"s": F32(-1), "z": np.uint8(0)},
            opset=13,
        ),
        "scales must be positive",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_understood_is_refused_by_name(name: str) -> None:
    make, words = REFUSED[name]
    with pytest.raises(ConversionFailed) as failed:
        read(make())
    assert words in str(failed.value.problems[0])

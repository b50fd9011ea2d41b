"""Node tests with odd attributes, constants, sizes and types: a valid graph or a ConvertError."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import AttributeProto, ModelProto, TensorProto, numpy_helper

from tests.onnx_frontend.node_tests import node_tests
from tests.onnx_frontend.test_damaged import outcome

pytestmark = pytest.mark.slow

VARIANTS = 800
NUMBERS = (0, 1, -1, 2, 3, -2, -3, 5, 7, 100, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63))
FLOATS = (0.0, -1.0, float("nan"), float("inf"), 1e30)
TEXTS = (b"", b"linear", b"nearest", b"SAME_UPPER", b"reverse", b"none")
KINDS = (TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL)


def attribute(model: ModelProto, chance: random.Random) -> None:
    attributes = chance.choice(model.graph.node).attribute
    for one in attributes and [chance.choice(attributes)]:
        if one.type == AttributeProto.INT:
            one.i = chance.choice(NUMBERS)
        elif one.type == AttributeProto.FLOAT:
            one.f = chance.choice(FLOATS)
        elif one.type == AttributeProto.STRING:
            one.s = chance.choice(TEXTS)
        elif one.type == AttributeProto.INTS:
            values = [*one.ints, chance.choice(NUMBERS)]
            chance.shuffle(values)
            one.ints[:] = values[chance.randrange(2) :]


def constant(model: ModelProto, chance: random.Random) -> None:
    if not model.graph.initializer:
        return
    tensor = chance.choice(model.graph.initializer)
    array = numpy_helper.to_array(tensor).copy().reshape(-1)
    if array.size:
        with np.errstate(all="ignore"):
            odd = np.array(chance.choice(NUMBERS)).astype(array.dtype)
        array[chance.randrange(array.size)] = odd
    shorter = array[: chance.randrange(array.size + 1)]
    tensor.CopyFrom(numpy_helper.from_array(shorter, tensor.name))


def size(model: ModelProto, chance: random.Random) -> None:
    if not model.graph.input:
        return
    dims = chance.choice(model.graph.input).type.tensor_type.shape.dim
    if dims:
        dims[chance.randrange(len(dims))].dim_value = chance.choice([0, 1, 2, 3, 7, -1, 2**40])


def symbol(model: ModelProto, chance: random.Random) -> None:
    if not model.graph.input:
        return
    dims = chance.choice(model.graph.input).type.tensor_type.shape.dim
    if dims:
        dims[chance.randrange(len(dims))].dim_param = chance.choice(["N", "M", "2*N"])


def element_type(model: ModelProto, chance: random.Random) -> None:
    if model.graph.input:
        chance.choice(model.graph.input).type.tensor_type.elem_type = chance.choice(KINDS)


def operand(model: ModelProto, chance: random.Random) -> None:
    inputs = chance.choice(model.graph.node).input
    if inputs:
        inputs[chance.randrange(len(inputs))] = chance.choice(["", inputs[0]])


CHANGES: tuple[Callable[[ModelProto, random.Random], None], ...] = (
    *(attribute, attribute, constant, constant),
    *(size, symbol, element_type, operand),
)


@pytest.mark.parametrize("seed", range(8))
def test_odd_models(seed: int, tmp_path: Path) -> None:
    chance, path = random.Random(seed), tmp_path / "model.onnx"
    tests = list(node_tests().values())
    counts = {"read": 0, "refused": 0, "unreadable": 0}
    for _ in range(VARIANTS // 8):
        model = ModelProto.FromString(chance.choice(tests).fixed(chance.choice([0, 1, 1, 2, 9])))
        for _ in range(chance.choice([1, 1, 2, 3])):
            chance.choice(CHANGES)(model, chance)
        path.write_bytes(model.SerializeToString())
        counts[outcome(path)] += 1
    assert counts["read"] > 20, counts

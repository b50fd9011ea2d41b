"""ONNX's own node tests that are about tensors at the opsets that are read."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from onnx import ModelProto, numpy_helper
from onnx.backend.test.loader import load_model_tests

from mgeconvert.frontends.onnx.rules.table import NEWEST
from mgeconvert.frontends.onnx.tensors import ELEMENT_TYPES


@dataclass(frozen=True)
class NodeTest:
    """A model, and what it computes from some inputs."""

    name: str
    model: ModelProto
    feeds: dict[str, np.ndarray]
    wanted: dict[str, np.ndarray]
    rtol: float
    atol: float

    def fixed(self, first: int) -> bytes:
        """Return the model with its inputs from number `first` on as constants of it."""
        model = ModelProto()
        model.CopyFrom(self.model)
        for port in model.graph.input[first:]:
            tensor = numpy_helper.from_array(self.feeds[port.name], port.name)
            model.graph.initializer.append(tensor)
        return model.SerializeToString()


@cache
def node_tests() -> dict[str, NodeTest]:
    """Return the tests by name."""
    with warnings.catch_warnings():  # some compute their numbers with NaN and infinity
        warnings.simplefilter("ignore", RuntimeWarning)
        return {test.name: test for test in _usable()}


def _usable() -> Iterator[NodeTest]:
    for case in load_model_tests(kind="node"):
        model = case.model
        versions = {i.domain: i.version for i in model.opset_import}
        ports = [*model.graph.input, *model.graph.output]
        if set(versions) != {""} or versions[""] > NEWEST or not all(map(_is_plain, ports)):
            continue
        (inputs, outputs), *_ = case.data_sets
        yield NodeTest(
            case.name.removeprefix("test_"),
            model,
            {p.name: np.asarray(a) for p, a in zip(model.graph.input, inputs)},
            {p.name: np.asarray(a) for p, a in zip(model.graph.output, outputs)},
            case.rtol,
            case.atol,
        )


def _is_plain(port: object) -> bool:
    """Whether a port is a tensor of an element type that the IR has."""
    type_ = port.type  # type: ignore[attr-defined]
    kind = type_.tensor_type.elem_type
    return type_.WhichOneof("value") == "tensor_type" and kind in ELEMENT_TYPES

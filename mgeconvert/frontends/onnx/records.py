"""What an ONNX file says, as plain records; numpy and the standard library only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Dims = tuple[int | str | None, ...]  # a number, the text of a dim_param, or nothing


@dataclass(frozen=True)
class OnnxTensor:
    """A tensor with its data; `load` makes the array, or raises a ConvertError.

    Arrays are views of the mapped file where it has them as raw data.
    """

    name: str
    load: Callable[[], Array]


@dataclass(frozen=True)
class OnnxPort:
    """An input of the graph; `elem_type` is TensorProto's number, 0 for what is no tensor.

    `dims` is None where even the rank is not known.
    """

    name: str
    elem_type: int
    dims: Dims | None


@dataclass(frozen=True)
class OnnxNode:
    """One node. Attributes are numbers, texts, tuples of them, OnnxTensor, or None for graphs.

    An attribute that is left out has the default of the operator's schema, or is missing. `version`
    is the opset at which the operator came to be as it is, 0 for one that ONNX does not know.
    """

    index: int
    op_type: str
    domain: str
    name: str
    version: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    @property
    def title(self) -> str:
        """Its name, or that of what it makes."""
        return self.name or next(filter(None, self.outputs), f"node {self.index}")


@dataclass(frozen=True)
class OnnxModel:
    """A model: the names of functions, and a graph in the order of its computation.

    Inputs are those that are no initializers.
    """

    opset: int
    functions: frozenset[tuple[str, str]]
    inputs: tuple[OnnxPort, ...]
    outputs: tuple[str, ...]
    initializers: Mapping[str, OnnxTensor]
    nodes: tuple[OnnxNode, ...]

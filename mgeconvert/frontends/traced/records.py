"""What a TracedModule holds, as plain data that needs neither MegEngine nor the pickle.

A leaf of an argument tree is a `Node` or a constant: None, bool, int, float, str, bytes, Ellipsis,
a numpy dtype, array or scalar, a `Tensor`, `QuantDtype`, or `Name` of a class. Containers are list,
tuple, dict and slice. Nodes, graphs, modules and tensors compare by identity: the same object means
the same thing, so that a module with two paths or calls is met as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mgeconvert.errors import Location, UnsupportedCase
from mgeconvert.frontends.names import candidates
from mgeconvert.frontends.traced.stubs import Name

Tree: TypeAlias = Any
"""A nest of list, tuple, dict (and slice) whose leaves are nodes and constants."""


@dataclass(frozen=True)
class QuantDtype:
    """A quantized element type of MegEngine: `kind` is its name in dtypes, e.g. "QuantizedS8"."""

    name: str
    kind: str | None
    dtype: str
    qmin: int
    qmax: int
    unsigned: bool


@dataclass(frozen=True, eq=False)
class QParams:
    """How a value is quantized; `mode` is "SYMMERTIC" or "ASYMMERTIC", as MegEngine spells it."""

    mode: str
    dtype: QuantDtype | None
    scale: NDArray[Any] | None
    zero_point: NDArray[Any] | None


@dataclass(frozen=True, eq=False)
class Tensor:
    """A parameter, buffer or constant.

    `data` is a read-only view of the file and may be unaligned. A quantized element type has
    `data.dtype.metadata["mgb_dtype"]` with "name", "scale" and, if asymmetric, "zero_point".
    """

    data: NDArray[Any] = field(repr=False)
    trainable: bool
    qparams: QParams | None


@dataclass(frozen=True, eq=False)
class Node:
    """One value of a graph: a tensor, or a module.

    `name` is unique in its graph ("conv1_out"); `qualname` is the module path, from the name of
    the top class on ("ResNet.layer1.0.conv1.[out]"), and not unique. `shape` is that of the trace.
    """

    id: int
    name: str
    qualname: str
    is_module: bool
    shape: tuple[int, ...] | None
    dtype: np.dtype[Any] | None
    qparams: QParams | None


@dataclass(frozen=True, eq=False)
class GetAttr:
    """`output` is the attribute at `path` below the module of this graph or another one."""

    id: int
    path: str
    value: Module | Tensor
    output: Node

    @property
    def outputs(self) -> tuple[Node, ...]:
        """The output, as every other expression has them."""
        return (self.output,)


@dataclass(frozen=True, eq=False)
class Constant:
    """`output` is a tensor or module that belongs to no module."""

    id: int
    value: Module | Tensor
    output: Node

    @property
    def outputs(self) -> tuple[Node, ...]:
        """The output, as every other expression has them."""
        return (self.output,)


@dataclass(frozen=True, eq=False)
class CallModule:
    """A call of `module`: of its `graph` where it was traced, else of a class that MegEngine knows.

    `object` is the module as a node; `args` leaves it out. `result` is the structure of `outputs`.
    """

    id: int
    object: Node
    module: Module
    graph: Graph | None
    args: tuple[Tree, ...]
    kwargs: Mapping[str, Tree]
    outputs: tuple[Node, ...]
    result: Tree
    version: str


@dataclass(frozen=True, eq=False)
class CallMethod:
    """A call of a tensor's method; `object` is a node, or the class for "__new__".

    `args` leaves the object out. The result of "__setitem__" is the changed tensor.
    """

    id: int
    object: Node | Name
    method: str
    args: tuple[Tree, ...]
    kwargs: Mapping[str, Tree]
    outputs: tuple[Node, ...]
    result: Tree
    version: str


@dataclass(frozen=True, eq=False)
class CallFunction:
    """A call of one of MegEngine's functions, e.g. "megengine.functional.nn.relu"."""

    id: int
    function: Name
    args: tuple[Tree, ...]
    kwargs: Mapping[str, Tree]
    outputs: tuple[Node, ...]
    result: Tree
    version: str


@dataclass(frozen=True, eq=False)
class Apply:
    """One of MegEngine's operators, e.g. "GetVarShape", with its parameters."""

    id: int
    opdef: str
    params: Mapping[str, Any]
    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    version: str


Expression: TypeAlias = GetAttr | Constant | CallModule | CallMethod | CallFunction | Apply


@dataclass(frozen=True, eq=False)
class Graph:
    """What a module computes for one structure of arguments.

    `inputs` leaves the module itself out; they are named after the parameters of `forward`.
    `args`, `kwargs` and `result` are the structures whose leaves are the inputs and outputs.
    """

    name: str
    qualname: str
    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    expressions: tuple[Expression, ...] = field(repr=False)
    args: tuple[Tree, ...]
    kwargs: Mapping[str, Tree]
    result: Tree


@dataclass(frozen=True, eq=False)
class Module:
    """One module: its class, its first path in the tree ("layer1.0.conv1"), and what it holds.

    `attributes` maps names to submodules, tensors and plain values, in the file's order. A traced
    module has graphs, usually one; every other is of a class that MegEngine defines.
    """

    kind: Name
    path: str
    attributes: Mapping[str, Module | Tensor | Tree] = field(repr=False)
    graphs: tuple[Graph, ...] = field(repr=False)
    version: str

    def get(self, path: str) -> Module | Tensor | Tree:
        """Return what is at `path` below this module ("layer1.0.weight"); KeyError if nothing."""
        found: Any = self
        for part in path.split("."):
            if not isinstance(found, Module):
                raise KeyError(path)
            found = found.attributes[part]
        return found

    def modules(self) -> Iterator[Module]:
        """Yield this module and all below it once each, in the file's order."""
        seen: dict[Module, None] = {}
        todo = [self]
        while todo:
            module = todo.pop()
            if module not in seen:
                seen[module] = None
                inner = [m for m in module.attributes.values() if isinstance(m, Module)]
                todo.extend(reversed(inner))
        return iter(seen)

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the tensors of this module and all below it, with their paths in the model."""
        for module in self.modules():
            prefix = f"{module.path}." if module.path else ""
            for name, value in module.attributes.items():
                if isinstance(value, Tensor):
                    yield prefix + name, value


@dataclass(frozen=True, eq=False)
class TracedModel:
    """A whole `.tm` file."""

    module: Module
    version: str

    @property
    def graph(self) -> Graph:
        """The one graph of the top module; UnsupportedCase if it was traced in several ways."""
        if len(self.module.graphs) != 1:
            raise UnsupportedCase(
                f"the top module has {len(self.module.graphs)} graphs",
                at=Location("traced", op="TracedModule"),
                hint="trace it with one structure of arguments",
            )
        return self.module.graphs[0]

    def graphs(self) -> Iterator[Graph]:
        """Yield every graph of every module once, the top one first."""
        for module in self.module.modules():
            yield from module.graphs

    def names(self) -> dict[str, tuple[Node, ...]]:
        """Return every name that `find` knows, with the tensor nodes it stands for."""
        kinds: tuple[dict[str, dict[Node, None]], ...] = ({}, {}, {}, {})
        for graph in self.graphs():
            for node, aliases in _named(graph, top=graph is self.graph):
                for kind, alias in zip(kinds, aliases):
                    kind.setdefault(alias, {})[node] = None
        found = {name: nodes for kind in reversed(kinds) for name, nodes in kind.items()}
        found.pop("", None)
        return {name: tuple(nodes) for name, nodes in found.items()}

    def find(self, name: str) -> tuple[Node, ...]:
        """Return the tensor nodes called `name`, several where a module has several outputs.

        What fits first counts: a node's name in the top graph ("relu_out"), its full name
        ("ResNet_layer1_0_conv1_out"), its qualname ("ResNet.layer1.0.conv1.[out]"), or the path
        of a module ("layer1.0.conv1"), which stands for what the module returns at each call.
        Raise UnsupportedCase if nothing fits.
        """
        known = self.names()
        if name in known:
            return known[name]
        raise UnsupportedCase(
            f"the model has no value named {name!r}",
            at=Location("traced", name=name),
            hint=candidates(name, known),
        )


def _named(graph: Graph, *, top: bool) -> Iterator[tuple[Node, tuple[str, str, str, str]]]:
    """Yield the tensor nodes of a graph with their four names, "" where there is none."""
    computed = (
        (node, expression.module.path if isinstance(expression, CallModule) else "")
        for expression in graph.expressions
        for node in expression.outputs
    )
    for node, path in (*((node, "") for node in graph.inputs), *computed):
        if not node.is_module:
            full = f"{graph.name}_{node.name}"
            yield node, (node.name if top else "", full, node.qualname, path)

"""What a rule writes to: the tensors and operators of one TFLite subgraph."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mgeconvert.backends.base import Names
from mgeconvert.backends.tflite import versions
from mgeconvert.backends.tflite.schema import options_fields, tensor_type
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import Array, DType, Graph, Node, Quant, TensorType, Value
from mgeconvert.ir.dims import Shape

Operand = Value | int | None
Given = Sequence[versions.Operand | None]
Check = Callable[[str, Given, Given, Any], None]
NEWEST = "newest"


@dataclass(frozen=True)
class Tensor:
    """One tensor: `shape` may have symbols; constants carry their data."""

    name: str
    dtype: DType
    shape: Shape
    quant: Quant | None = None
    data: Array | None = None

    @property
    def signature(self) -> tuple[int, ...]:
        """The shape with -1 for what is known at run time only."""
        return tuple(d if isinstance(d, int) else -1 for d in self.shape)


@dataclass(frozen=True)
class Operator:
    """One operator by its name in the schema; tensors by index, -1 for one that is left out."""

    code: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any = None


class Emitter:
    """Collects tensors and operators; a rule calls `emit` for each operator of its node."""

    def __init__(
        self, graph: Graph, *, max_runtime: str = "newest", checks: Sequence[Check] = ()
    ) -> None:
        self.graph, self.max_runtime, self.checks = graph, max_runtime, checks
        self.tensors: list[Tensor] = []
        self.operators: list[Operator] = []
        self.fused: set[Node[Any]] = set()  # activations that the operator before them computes
        self._indices: dict[Value, int] = {}
        self._shared: dict[Hashable, int] = {}
        self._taken = Names(p.name for p in (*graph.inputs, *graph.outputs))
        self._node: Node[Any] | None = None
        self.inputs = [self._port(p.name, p.value) for p in graph.inputs]
        self._published = {p.value: p.name for p in reversed(graph.outputs) if p.value.producer}

    def begin(self, node: Node[Any]) -> None:
        """Begin with the rule of `node`."""
        self._node = node

    def value(self, value: Value) -> int:
        """Return the index of the tensor of `value`, which is made when first asked for."""
        if value not in self._indices:
            name = self._published.get(value) or self._taken.unique(value.name)
            self._indices[value] = self._tensor(name, value.type, value.quant, value.const)
        return self._indices[value]

    def constant(self, array: Array, hint: str = "const", quant: Quant | None = None) -> int:
        """Return the index of a constant tensor; equal ones are shared."""
        array = np.asarray(array)
        key = (array.dtype.str, array.shape, array.tobytes(), quant)
        return self.shared(key, hint, array, quant)

    def shared(self, key: Hashable, hint: str, array: Array, quant: Quant | None = None) -> int:
        """Return the tensor made for `key` before, or a constant of `array`."""
        if key not in self._shared:
            type = TensorType(DType.of(array), array.shape)
            self._shared[key] = self._tensor(self._taken.unique(hint), type, quant, array)
        return self._shared[key]

    def remember(self, key: Hashable) -> int | None:
        """Return the tensor kept under `key`, if any."""
        return self._shared.get(key)

    def keep(self, key: Hashable, index: int) -> int:
        """Keep the tensor `index` under `key`, and return it."""
        self._shared[key] = index
        return index

    def ints(self, values: Sequence[int], hint: str = "ints", dtype: DType = DType.I32) -> int:
        """Return the index of a constant vector of whole numbers, int32 by default."""
        return self.constant(np.array(values, dtype.numpy), hint)

    def temporary(self, type: TensorType, hint: str = "", quant: Quant | None = None) -> int:
        """Return the index of a new tensor for what lies between two operators of one rule."""
        base = self._node.outputs[0].name if self._node is not None else "t"
        return self._tensor(
            self._taken.unique(f"{base}.{hint}" if hint else base), type, quant, None
        )

    def emit(
        self,
        code: str,
        inputs: Sequence[Operand],
        outputs: Sequence[Value | int],
        options: Any = None,
    ) -> None:
        """Append an operator; raise UnsupportedCase where `max_runtime` does not have it."""
        ins = tuple(self._index(x) for x in inputs)
        outs = tuple(self._index(x) for x in outputs)
        given = [None if i < 0 else self._operand(i) for i in ins]
        made = [self._operand(i) for i in outs]
        version = versions.version(code, given, made, options_fields(options))
        self._check_runtime(code, version)
        for check in self.checks:
            check(code, given, made, options)
        self.operators.append(Operator(code, version, ins, outs, options))

    def names(self) -> dict[str, str]:
        """Return the names of the tensors by those of the values that they hold."""
        return {value.name: self.tensors[i].name for value, i in self._indices.items()}

    def publish_outputs(self) -> list[int]:
        """Return the tensors of the output ports; a tensor of another name gets a copy."""
        return [self._output(p.name, p.value) for p in self.graph.outputs]

    def _output(self, name: str, value: Value) -> int:
        index = self.value(value)
        if self.tensors[index].name == name and self.tensors[index].data is None:
            return index
        return self._copied(index, name)

    def copied(self, index: int) -> int:
        """Append an operator that copies a tensor; return the copy."""
        return self._copied(index, self._taken.unique(f"{self.tensors[index].name}.copy"))

    def _copied(self, index: int, name: str) -> int:
        tensor = self.tensors[index]
        rank = len(tensor.shape)
        copy = self._tensor(name, TensorType(tensor.dtype, tensor.shape), tensor.quant, None)
        if rank:
            self.emit("TRANSPOSE", [index, self.ints(range(rank), "perm")], [copy])
        else:
            self.emit("RESHAPE", [index, self.ints([], "shape")], [copy])
        return copy

    def _check_runtime(self, code: str, version: int) -> None:
        if self.max_runtime == NEWEST:
            return
        since = versions.runtime(code, version)
        if not versions.not_later(since, self.max_runtime):
            raise UnsupportedCase(
                f"{code} version {version} needs the runtime {since}",
                hint=f"set max_runtime = {since!r} or newer",
            )

    def _operand(self, index: int) -> versions.Operand:
        tensor = self.tensors[index]
        axis = tensor.quant is not None and tensor.quant.axis is not None
        return versions.Operand(
            tensor_type(tensor.dtype, tensor.quant),
            len(tensor.shape),
            constant=tensor.data is not None,
            per_channel=axis,
            shape=tensor.signature,
            scale=None if tensor.quant is None else tensor.quant.scale[0],
        )

    def _index(self, operand: Operand) -> int:
        if operand is None:
            return -1
        return operand if isinstance(operand, int) else self.value(operand)

    def _port(self, name: str, value: Value) -> int:
        self._indices[value] = self._tensor(name, value.type, value.quant, None)
        return self._indices[value]

    def _tensor(self, name: str, type: TensorType, quant: Quant | None, data: Array | None) -> int:
        self.tensors.append(Tensor(name, type.dtype, type.shape, quant, data))
        return len(self.tensors) - 1

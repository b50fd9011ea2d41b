"""What a rule writes to: ONNX nodes and initializers of one graph at one opset."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper

from mgeconvert.backends.base import Names
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import Array, DType, Graph, Node, Value

ELEMENT_TYPES = {
    DType.BOOL: TensorProto.BOOL,
    DType.I8: TensorProto.INT8,
    DType.U8: TensorProto.UINT8,
    DType.I16: TensorProto.INT16,
    DType.U16: TensorProto.UINT16,
    DType.I32: TensorProto.INT32,
    DType.U32: TensorProto.UINT32,
    DType.I64: TensorProto.INT64,
    DType.U64: TensorProto.UINT64,
    DType.F16: TensorProto.FLOAT16,
    DType.F32: TensorProto.FLOAT,
    DType.F64: TensorProto.DOUBLE,
}


class Emitter:
    """Collects nodes and initializers.

    A rule calls `emit` for each ONNX node and returns the names of the tensors that stand for the
    outputs of the IR's node.
    """

    def __init__(self, graph: Graph, opset: int) -> None:
        self.graph, self.opset = graph, opset
        self.nodes: list[NodeProto] = []
        self.initializers: dict[str, Array] = {}
        self._names: dict[Value, str] = {}
        self._node: Node[Any] | None = None
        self._small: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._shared: dict[Hashable, str] = {}
        self._reserve_ports()

    def _reserve_ports(self) -> None:
        for port in self.graph.inputs:
            self._names[port.value] = port.name
        self._taken = Names(p.name for p in (*self.graph.inputs, *self.graph.outputs))
        for port in self.graph.outputs:
            if port.value.producer is not None:
                self._names.setdefault(port.value, port.name)

    def name(self, value: Value) -> str:
        """Return the tensor name of `value`; constants become initializers by this."""
        if value not in self._names:
            self._names[value] = self._taken.unique(value.name)
        name = self._names[value]
        if value.const is not None:
            self.initializers.setdefault(name, value.const)
        return name

    def tensors(self) -> dict[str, str]:
        """Return the tensor names of the computed values, by the names of the values."""
        return {v.name: name for v, name in self._names.items() if v.producer is not None}

    def inputs(self, node: Node[Any]) -> list[str]:
        """Return the tensor names of all inputs of `node`."""
        return [self.name(v) for v in node.inputs]

    def constant(self, array: Array, hint: str = "const") -> str:
        """Return the name of an initializer that holds `array`; equal ones are shared."""
        array = np.asarray(array)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._small:
            self._small[key] = self._initializer(hint, array)
        return self._small[key]

    def derived(self, value: Value, ending: str, view: Array) -> str:
        """Return the name of an initializer that is a view of the constant `value`.

        The view is not copied here: the writer makes it contiguous, one at a time.
        """
        return self.shared((value, ending), lambda: self._initializer(value.name + ending, view))

    def shared(self, key: Hashable, make: Callable[[], str]) -> str:
        """Return the tensor made for `key` before, or what `make` emits now."""
        if key not in self._shared:
            self._shared[key] = make()
        return self._shared[key]

    def ints(self, values: Sequence[int], hint: str = "ints") -> str:
        """Return the name of an int64 vector."""
        return self.constant(np.array(values, np.int64), hint)

    def scalar(self, value: float, dtype: DType, hint: str = "scalar") -> str:
        """Return the name of a scalar of element type `dtype`."""
        return self.constant(np.array(value, dtype.numpy), hint)

    def emit(self, op_type: str, *inputs: str, hint: str = "", **attributes: Any) -> str:
        """Append a node with one output; return the output's name.

        "" stands for an input that is left out. Attributes that are None are left out.
        """
        (name,) = self.emit_multi(op_type, *inputs, count=1, hint=hint, **attributes)
        return name

    def emit_multi(
        self, op_type: str, *inputs: str, count: int, hint: str = "", **attributes: Any
    ) -> list[str]:
        """Append a node with `count` outputs; return their names."""
        base = hint or f"{self._base()}.{op_type.lower()}"
        outputs = [self._taken.unique(base) for _ in range(count)]
        given = {k: v for k, v in attributes.items() if v is not None}
        self.nodes.append(helper.make_node(op_type, inputs, outputs, name=outputs[0], **given))
        return outputs

    def bind(self, node: Node[Any], results: Sequence[str], start: int) -> None:
        """Make `results`, of the nodes from index `start` on, the outputs of the IR's `node`."""
        made = {name: n for n in self.nodes[start:] for name in n.output}
        renamed: dict[str, str] = {}
        for value, result in zip(node.outputs, results, strict=True):
            wanted = self._names.get(value)
            if result in made and result not in renamed:
                renamed[result] = wanted or self._taken.unique(value.name)
                self._names[value] = renamed[result]
            elif wanted is not None:  # a public name for a tensor that has another one
                self.nodes.append(helper.make_node("Identity", [result], [wanted], name=wanted))
            else:
                self._names[value] = renamed.get(result, result)
        self._shared.update((k, renamed[v]) for k, v in self._shared.items() if v in renamed)
        for n in self.nodes[start:]:
            n.input[:] = [renamed.get(name, name) for name in n.input]
            n.output[:] = [renamed.get(name, name) for name in n.output]
            if n.name in renamed:
                n.name = renamed[n.name]

    def publish_outputs(self) -> None:
        """Give the output ports that share a tensor with another port a node of their own."""
        for port in self.graph.outputs:
            name = self.name(port.value)
            if name != port.name:
                self.nodes.append(helper.make_node("Identity", [name], [port.name], name=port.name))

    def begin(self, node: Node[Any]) -> int:
        """Begin with the rule of `node`; return the index of the next ONNX node."""
        self._node = node
        return len(self.nodes)

    def refuse(self, problem: str, since: int) -> UnsupportedCase:
        """Return the error for what this opset cannot express."""
        return UnsupportedCase(
            f"opset {self.opset} cannot express {problem}", hint=f"use opset {since} or newer"
        )

    def _initializer(self, wanted: str, array: Array) -> str:
        name = self._taken.unique(wanted)
        self.initializers[name] = array
        return name

    def _base(self) -> str:
        return self._node.outputs[0].name if self._node is not None else "t"

"""What a rule of the ONNX frontend sees of the node that it lifts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mgeconvert.errors import Location, ShapeError, UnreadableSource, UnsupportedCase
from mgeconvert.frontends.onnx.records import OnnxNode, OnnxTensor
from mgeconvert.ir import Array, DType, Graph, Op, Quant, Value, ops
from mgeconvert.ir.builder import Builder
from mgeconvert.ir.contents import dims_of
from mgeconvert.ir.dims import Dim, Shape

Quantized = dict[Value, tuple[Value, Quant]]
"""Values that are whole numbers: which value they stand for, and how."""

SMALL = 4096  # elements of constants that are computed on the spot, as arithmetic on shapes is


class Call(Builder):
    """A builder for the operators of one node.

    A rule takes it and the inputs of the node, None for those that are left out. It returns the
    output, or a tuple of the outputs with None for those that it cannot give.
    """

    def __init__(
        self, graph: Graph, at: Location, name: str, *, node: OnnxNode, quantized: Quantized
    ) -> None:
        super().__init__(graph, at, name)
        self.node, self.quantized = node, quantized
        self.made: list[Value] = []

    @property
    def opset(self) -> int:
        """The opset at which the operator came to be as it is here."""
        return self.node.version

    def has(self, name: str) -> bool:
        """Return whether the node, or its schema, gives an attribute."""
        return name in self.node.attributes

    def attribute(self, name: str, default: Any = None) -> Any:
        """Return an attribute, by default that of the schema, or `default` without one."""
        return self.node.attributes.get(name, default)

    def tensor(self, name: str) -> Array:
        """Return the tensor of an attribute."""
        value = self.attribute(name)
        if not isinstance(value, OnnxTensor):
            raise UnreadableSource(f"the attribute {name!r} is no tensor")
        return value.load()

    def need(self, name: str, *allowed: Any) -> Any:
        """Return an attribute; raise UnsupportedCase where it is none of `allowed`."""
        value = self.attribute(name)
        if value is not None and value not in allowed:
            raise UnsupportedCase(
                f"{name} = {value!r}, where {' or '.join(map(repr, allowed))} is known"
            )
        return value

    def wants(self, index: int) -> bool:
        """Return whether anything may read the output number `index`."""
        return index < len(self.node.outputs) and bool(self.node.outputs[index])

    def refuse_output(self, index: int, what: str) -> None:
        """Raise UnsupportedCase where an output that the IR cannot give is asked for."""
        if self.wants(index):
            raise UnsupportedCase(f"its output {what}")

    def emit(self, op: Op, *inputs: Value) -> Value:
        """Add an operator with one output; one of small constants is computed instead."""
        folded = self._folded(op, inputs)
        if folded is not None:
            return self.constant(folded[0], self.name)
        value = super().emit(op, *inputs)
        self.made.append(value)
        return value

    def emit_multi(self, op: Op, *inputs: Value) -> tuple[Value, ...]:
        """Add an operator with several outputs; as `emit`."""
        folded = self._folded(op, inputs)
        if folded is not None:
            return tuple(self.constant(array, self.name) for array in folded)
        values = super().emit_multi(op, *inputs)
        self.made += values
        return values

    def _folded(self, op: Op, inputs: Sequence[Value]) -> list[Array] | None:
        arrays = [v.const for v in inputs if v.const is not None and is_small(v)]
        if not inputs or len(arrays) != len(inputs):
            return None
        sizes = [t.size for t in op.infer([v.type for v in inputs])]
        if not all(isinstance(n, int) and n <= SMALL for n in sizes):
            return None
        try:
            with np.errstate(all="ignore"):
                results = op.eval(arrays)
        except (ArithmeticError, IndexError, ValueError) as error:
            raise ShapeError(f"{op} of these constants: {error}") from error
        return [np.ascontiguousarray(a).reshape(a.shape) for a in results]

    def dims(self, dims: Sequence[Dim], *, dtype: DType = DType.I64, scalar: bool = False) -> Value:
        """Return dimensions as a tensor; a constant where all are numbers."""
        if any(not isinstance(d, int) for d in dims):
            value = super().dims(dims, dtype=dtype, scalar=scalar)
            self.made.append(value)
            return value
        array = np.array(dims, np.int64).astype(dtype.numpy)
        return self.constant(array.reshape(()) if scalar else array, self.name)

    def shortened(self, value: Value) -> Value:
        """Return arithmetic on shapes as what it comes to; any other value as it is."""
        if value.const is not None or value.type.dtype not in (DType.I32, DType.I64):
            return value
        if value.producer is None or isinstance(value.producer.op, ops.DimVector):
            return value
        dims = dims_of(value)
        if dims is None:
            return value
        return self.dims(dims, dtype=value.type.dtype, scalar=not value.type.rank)

    def ints(self, x: Value) -> tuple[int, ...]:
        """Return the elements of an integer tensor; what depends on a symbol is refused."""
        if x.const is not None and x.type.dtype.is_integer and x.const.size <= SMALL:
            return tuple(x.const.reshape(-1).tolist())
        dims = self.known_dims(x)
        known = tuple(d for d in dims if isinstance(d, int))
        if len(known) != len(dims):
            raise UnsupportedCase(
                f"({', '.join(map(str, dims))}) must be known when converting",
                hint="give the input a fixed shape",
            )
        return known

    def one_int(self, x: Value) -> int:
        """Return the only element of an integer tensor."""
        numbers = self.ints(x)
        self._only(numbers)
        return numbers[0]

    def size(self, x: Value) -> Dim:
        """Return the only element of an integer tensor, which may be symbolic."""
        return self._only(self.known_dims(x))[0]

    def number(self, x: Value, what: str) -> Any:
        """Return the only element of a constant as a Python number."""
        if x.const is None:
            raise UnsupportedCase(f"{what} is known only at run time")
        if x.const.size != 1:
            raise ShapeError(f"{what} has {x.const.size} elements")
        item = x.const.reshape(-1)[0]
        return float(str(item)) if x.const.dtype.kind == "f" else item.item()

    @staticmethod
    def _only(numbers: Shape) -> Shape:
        if len(numbers) != 1:
            raise ShapeError(f"{len(numbers)} numbers where one is needed")
        return numbers

    def shape(self, x: Value) -> tuple[int, ...]:
        """Return the shape of x where all of it is known; raise UnsupportedCase otherwise."""
        if x.type.static is None:
            raise UnsupportedCase(
                f"{x.type} of a size that is known only at run time",
                hint="give the input a fixed shape",
            )
        return x.type.static

    def like(self, number: float, x: Value) -> Value:
        """Return a scalar of the element type of x."""
        return self.scalar(number, x.type.dtype)

    def flipped(self, x: Value, axis: int) -> Value:
        """Return x in the opposite order along an axis."""
        return self.slice(x, [(None, None, -1) if i == axis else None for i in range(x.type.rank)])


def is_small(value: Value) -> bool:
    """Return whether a tensor has few elements, for certain."""
    size = value.type.size
    return isinstance(size, int) and size <= SMALL

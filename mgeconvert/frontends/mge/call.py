"""What a rule of the .mge frontend sees of the operator that it lifts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mgeconvert.errors import Location, UnsupportedCase
from mgeconvert.frontends.mge.layout import Packings
from mgeconvert.frontends.mge.records import MgeOperator
from mgeconvert.ir import DType, Graph, Op, Quant, Value, ops
from mgeconvert.ir.builder import Builder
from mgeconvert.ir.contents import dims_of
from mgeconvert.ir.dims import Dim, Sym
from mgeconvert.ir.op import Array

SMALL = 4096  # elements of constants that are computed on the spot, as arithmetic on shapes is


@dataclass(frozen=True)
class Result:
    """The quantized type of an operator's results, and whether their numbers are rounded to it.

    Sums of products in 32 bits are exact: there is nothing to round.
    """

    quant: Quant
    rounds: bool = True


class Call(Builder):
    """A builder for the nodes of one operator.

    A rule takes it and the inputs of the operator. It returns the operator's output, or a tuple of
    them with None for those that are not known outside of training.
    """

    def __init__(
        self,
        graph: Graph,
        at: Location,
        name: str,
        *,
        operator: MgeOperator,
        packings: Packings,
        stored: dict[Value, Quant],
        readers: Mapping[int, Sequence[MgeOperator]],
    ) -> None:
        super().__init__(graph, at, name)
        self.operator, self.packings = operator, packings
        self.stored = stored  # the quantized types of those values that MegEngine holds in them
        self.result: Result | None = None  # the quantized type of the results, where they have one
        self.readers = readers  # of each variable, by its id; of an output of the graph, none
        self.made: list[Value] = []

    def setting(self, name: str) -> Any:
        """Return a parameter; UnsupportedCase where the file has none of this name."""
        if name not in self.operator.params:
            raise UnsupportedCase(f"it has no parameter {name!r} in this file")
        return self.operator.params[name]

    def settings(self, *names: str) -> tuple[int, ...]:
        """Return several whole numbers."""
        return tuple(int(self.setting(name)) for name in names)

    def need(self, name: str, *allowed: Any) -> Any:
        """Return a parameter; raise UnsupportedCase where it is none of `allowed`."""
        value = self.setting(name)
        if value not in allowed:
            raise UnsupportedCase(
                f"{name} {value}, where {' or '.join(map(str, allowed))} is known"
            )
        return value

    def emit(self, op: Op, *inputs: Value) -> Value:
        """Add an operator with one output; one of small constants is computed instead."""
        if inputs and all(_is_plain(v) for v in inputs):
            (type_,) = op.infer([v.type for v in inputs])
            if isinstance(type_.size, int) and type_.size <= SMALL:
                (array,) = op.eval([v.const for v in inputs if v.const is not None])
                return self.constant(np.ascontiguousarray(array).reshape(array.shape), self.name)
        value = super().emit(op, *inputs)
        known = self._known(value) if inputs and inputs[0].type.rank < 2 else None
        if known is not None:
            assert value.producer is not None
            self.graph.remove(value.producer)
            return self.constant(np.array(known, value.type.dtype.numpy), value.name)
        self.made.append(value)
        return value

    def _known(self, value: Value) -> tuple[int, ...] | None:
        """Return the elements of a vector where they are numbers, though computed from symbols."""
        dims = dims_of(value) if value.type.rank == 1 else None
        if dims is None or value.producer is None or not value.producer.inputs:
            return None
        numbers = tuple(d for d in dims if isinstance(d, int))
        return numbers if len(numbers) == len(dims) else None

    def emit_multi(self, op: Op, *inputs: Value) -> tuple[Value, ...]:
        values = super().emit_multi(op, *inputs)
        self.made += values
        return values

    def dims(self, dims: Sequence[Dim], *, dtype: DType = DType.I32, scalar: bool = False) -> Value:
        """Return dimensions as a tensor; a constant where all are numbers."""
        if scalar or any(not isinstance(d, int) for d in dims):
            return super().dims(dims, dtype=dtype, scalar=scalar)
        return self.constant(np.array(dims, dtype.numpy))

    def reshaped(self, constant: Value, shape: Sequence[int]) -> Value:
        """Return a constant of the same elements and name in another shape; one -1 is allowed."""
        if constant.const is None:
            return self.reshape(constant, shape)
        return self.renewed(constant, constant.const.reshape(shape))

    def renewed(self, constant: Value, array: np.ndarray[Any, Any]) -> Value:
        """Return a constant with other contents under the name of the one that it replaces."""
        if constant.const is array or array.shape == constant.type.shape:
            return constant
        return self.named_after(constant, np.ascontiguousarray(array), constant.quant)

    def named_after(self, constant: Value, array: Array, quant: Quant | None) -> Value:
        """Return a constant that takes over the name of another one, quantized by `quant`."""
        result = self.graph.constant(constant.name, array)
        self.graph.take_name(result, constant)
        result.quant = quant
        if constant in self.stored and quant is not None:
            self.stored[result] = quant
        return result

    def numbers(self, x: Value) -> tuple[int, ...]:
        """Return the elements of an integer tensor; what depends on a symbol is refused."""
        dims = self.known_dims(x)
        known = tuple(d for d in dims if isinstance(d, int))
        if len(known) != len(dims):
            raise UnsupportedCase(
                f"({', '.join(map(str, dims))}) must be known when converting",
                hint="give the input a fixed shape",
            )
        return known

    def number(self, x: Value) -> Dim:
        """Return the only element of an integer tensor."""
        dims = self.known_dims(x)
        if len(dims) != 1:
            raise UnsupportedCase(f"{len(dims)} numbers where one is needed")
        return dims[0]

    def counted(self, count: Dim) -> Value:
        """Return 0, 1 ... count - 1 as float32."""
        if isinstance(count, int):
            return self.constant(np.arange(count, dtype=np.float32))
        return self.cast(self.emit(ops.Range(count=count)), DType.F32)

    def as_number(self, n: float | Sym) -> Value:
        """Return a number or dimension as a float32 tensor of rank 0."""
        if isinstance(n, Sym):
            return self.cast(self.dims([n], scalar=True), DType.F32)
        return self.scalar(n, DType.F32)

    def whole(self, x: Value) -> Value:
        """Return x, or for rank 0, which MegEngine's graphs do not have, a vector of it."""
        return x if x.type.rank else self.reshape(x, (1,))

    def as_float(self, x: Value) -> Value:
        """Return x with a float element type."""
        return x if x.type.dtype.is_float else self.cast(x, DType.F32)


def _is_plain(value: Value) -> bool:
    """Return whether it is a small constant whose numbers are as they stand."""
    size = value.type.size
    return (
        value.const is not None and value.quant is None and isinstance(size, int) and size <= SMALL
    )

"""What a rule of the traced frontend sees of the expression that it lifts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mgeconvert.errors import Location, UnsupportedCase
from mgeconvert.frontends.traced.quant import Declared, meaning
from mgeconvert.frontends.traced.records import Module, Tensor, Tree
from mgeconvert.ir import Array, DType, Graph, Value
from mgeconvert.ir.builder import Builder
from mgeconvert.ir.dims import Dim, Shape
from mgeconvert.ir.op import Op

NUMBERS = ("int", "float", "int | None", "float | None")
"""Annotations of parameters that are plain numbers."""


class Call(Builder):
    """A builder for the nodes of one expression.

    Arguments of a rule are trees whose leaves are `Value`s and Python constants. `module` is the
    module that is called, where one is, `made` what the rule added to the graph.
    """

    def __init__(
        self,
        graph: Graph,
        at: Location,
        name: str,
        parameters: dict[Tensor, Value],
        declared: dict[Value, Declared],
    ) -> None:
        super().__init__(graph, at, name)
        self.module: Module | None = None
        self.declared = declared  # what `tensor.qparams` says of values
        self._parameters = parameters
        self.made: list[Value] = []

    def emit(self, op: Op, *inputs: Value) -> Value:
        value = super().emit(op, *inputs)
        self.made.append(value)
        return value

    def emit_multi(self, op: Op, *inputs: Value) -> tuple[Value, ...]:
        values = super().emit_multi(op, *inputs)
        self.made += values
        return values

    def inside(self, name: str) -> Call:
        """Return the call of the module `name` that the called module holds."""
        module = self.setting(name)
        if not isinstance(module, Module):
            raise UnsupportedCase(f"{name} is no module in this file")
        at = replace(self.at, path=module.path)
        call = Call(self.graph, at, f"{self.name}.{name}", self._parameters, self.declared)
        call.module, call.made = module, self.made
        return call

    def parameter(self, tensor: Tensor, name: str) -> Value:
        """Return the constant for a parameter or buffer; the same one each time."""
        if tensor not in self._parameters:
            array, quant = meaning(tensor.data)
            value = self._parameters[tensor] = self.graph.constant(name, native(array))
            value.quant = quant
        return self._parameters[tensor]

    def reshaped(self, constant: Value, shape: Sequence[int]) -> Value:
        """Return a constant of the same elements and name in another shape; one -1 is allowed."""
        if constant.const is None:
            return self.reshape(constant, shape)
        array = constant.const.reshape(shape)
        if array.shape == constant.const.shape:
            return constant
        result = self.graph.constant(constant.name, array)
        self.graph.take_name(result, constant)
        if constant.quant is not None and constant.quant.axis is not None:
            raise UnsupportedCase("other shapes of weights with a scale for each channel")
        result.quant = constant.quant
        return result

    def attribute(self, name: str) -> Value | None:
        """Return the tensor `name` of the called module as a constant; None where it has none."""
        assert self.module is not None
        value = self.module.attributes.get(name)
        if value is None:
            return None
        if not isinstance(value, Tensor):
            raise UnsupportedCase(f"{self.module.kind}.{name} is no tensor in this file")
        path = f"{self.module.path}.{name}" if self.module.path else name
        return self.parameter(value, path)

    def required(self, name: str) -> Value:
        """Return the tensor `name` of the called module; UnsupportedCase where it has none."""
        value = self.attribute(name)
        if value is None:
            assert self.module is not None
            raise UnsupportedCase(f"{self.module.kind} has no tensor {name!r} in this file")
        return value

    def named(self, name: str, array: Array) -> Value:
        """Return a new constant that is called like the tensor `name` of the called module."""
        assert self.module is not None
        path = f"{self.module.path}.{name}" if self.module.path else name
        return self.graph.constant(path, np.ascontiguousarray(array))

    def array(self, name: str) -> Array | None:
        """Return the numbers of the tensor `name` of the called module; None where it has none."""
        value = self.attribute(name)
        return None if value is None else value.const

    def needed_array(self, name: str) -> Array:
        """Return the numbers of the tensor `name`; UnsupportedCase where there is none."""
        array = self.required(name).const
        assert array is not None
        return array

    def setting(self, name: str) -> Any:
        """Return the plain attribute `name` of the called module; UnsupportedCase if missing."""
        assert self.module is not None
        if name not in self.module.attributes:
            raise UnsupportedCase(f"{self.module.kind} has no attribute {name!r} in this file")
        return self.module.attributes[name]

    def value(self, x: Tree, dtype: DType | None = None) -> Value:
        """Return x as a value: tensors as they are, numbers and arrays as constants.

        A Python number becomes `dtype` or, without it, float32, int32 or bool.
        """
        if isinstance(x, Value):
            return x
        if isinstance(x, Tensor):
            return self.parameter(x, f"{self.name}.const")
        if isinstance(x, (bool, int, float)):
            return self.scalar(x, dtype or natural_type(x))
        if isinstance(x, (np.ndarray, np.generic)):
            return self.constant(native(np.asarray(x)))
        if isinstance(x, (list, tuple)) and not _has_value(x):
            return self.constant(native(np.array(x)))
        raise UnsupportedCase(f"{type(x).__name__} {x!r} where a tensor is needed")

    def dim(self, x: Tree) -> Dim:
        """Return a number, or the only element of a tensor, as a dimension."""
        dims = self.shape(x)
        if len(dims) != 1:
            raise UnsupportedCase(f"{len(dims)} numbers where one is needed")
        return dims[0]

    def shape(self, x: Tree) -> Shape:
        """Return ints, tensors of ints, and nests of both as a shape."""
        if isinstance(x, (bool, float)):
            raise UnsupportedCase(f"{x!r} where a size is needed")
        if isinstance(x, (int, np.integer)):
            return (int(x),)
        if isinstance(x, (list, tuple)):
            return tuple(d for item in x for d in self.shape(item))
        return self.known_dims(self.value(x))

    def numbers(self, x: Tree) -> tuple[int, ...]:
        """Return ints as a tuple; what depends on a symbol is refused."""
        dims = self.shape(x)
        known = tuple(d for d in dims if isinstance(d, int))
        if len(known) != len(dims):
            raise UnsupportedCase(
                f"({', '.join(map(str, dims))}) must be known when converting",
                hint="give the input a fixed shape",
            )
        return known

    def pair(self, x: Tree, count: int = 2) -> tuple[int, ...]:
        """Return an int as `count` equal ones, or the `count` ints of a sequence."""
        values = self.numbers(x)
        values = values * count if len(values) == 1 else values
        if len(values) != count:
            raise UnsupportedCase(f"{x!r} where {count} numbers are needed")
        return values

    def number(self, x: Tree) -> float:
        """Return the only element of a constant tensor, or of one that shapes decide."""
        value = self.value(x)
        if value.const is not None and value.const.size == 1:
            return value.const.item()
        return self.pair(value, 1)[0]

    def axes(self, axis: Tree, rank: int) -> tuple[int, ...]:
        """Return an axis, several, or None for all, counted from the front in ascending order."""
        if axis is None:
            return tuple(range(rank))
        return tuple(sorted({self.axis(a, rank) for a in self.numbers(axis)}))


def bound(
    call: Call, rule: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> inspect.BoundArguments:
    """Return the arguments of `rule`, with numbers for tensors where the rule takes numbers.

    Such a tensor is x.shape[1], or a constant. UnsupportedCase where the arguments do not fit, or
    where a number is not known.
    """
    try:
        found = inspect.signature(rule).bind(call, *args, **kwargs)
    except TypeError as error:
        raise UnsupportedCase(f"the arguments are not those that are known: {error}") from None
    for name, argument in found.arguments.items():
        kind = rule.__annotations__.get(name)
        if isinstance(argument, (Value, Tensor)) and kind in NUMBERS:
            found.arguments[name] = call.number(argument)
    return found


def native(array: Array) -> Array:
    """Return an array that the IR can hold, with int64 and float64 narrowed as MegEngine does.

    What needs no change stays a view of the file.
    """
    plain = np.dtype({"int64": "int32", "float64": "float32"}.get(array.dtype.name, array.dtype))
    return np.require(array, plain.newbyteorder("="), ("C",))


def natural_type(x: float) -> DType:
    """Return the element type of a Python number where nothing else says one."""
    if isinstance(x, bool):
        return DType.BOOL
    return DType.I32 if isinstance(x, int) else DType.F32


def _has_value(x: Sequence[Any]) -> bool:
    nested = (_has_value(i) if isinstance(i, (list, tuple)) else isinstance(i, Value) for i in x)
    return any(nested)

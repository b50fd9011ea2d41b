"""One line per case: an operator, its operands, and what else matters."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from mgeconvert.errors import Location
from mgeconvert.ir import Array, Dim, DType, Graph, Op, TensorType
from mgeconvert.ir.dims import bind, dim


@dataclass(frozen=True)
class Operand:
    """A tensor of random numbers, an input of the graph or, with `const`, a constant of it."""

    dtype: DType
    shape: tuple[Dim, ...]
    low: float = -3.0
    high: float = 3.0
    values: tuple | None = None  # overrides the random numbers
    const: bool = False

    def fixed(self) -> Operand:
        return replace(self, const=True)

    def between(self, low: float, high: float) -> Operand:
        return replace(self, low=low, high=high)

    def array(self, seed: int, known: Mapping[str, int]) -> Array:
        shape = tuple(bind(d, known) for d in self.shape)
        if self.values is not None:
            return np.array(self.values, self.dtype.numpy).reshape(shape)
        random = np.random.default_rng(seed)
        if self.dtype is DType.BOOL:
            return random.integers(0, 2, shape).astype(bool)
        if self.dtype.is_integer:
            return random.integers(int(self.low), int(self.high) + 1, shape).astype(
                self.dtype.numpy
            )
        return random.uniform(self.low, self.high, shape).astype(self.dtype.numpy)


def tensor(dtype: DType) -> Callable[..., Operand]:
    """Return a function that makes operands of `dtype` from their dimensions."""
    low = 0.0 if dtype.value.startswith("uint") else -3.0

    def make(*shape: Dim | str) -> Operand:
        dims = tuple(dim(d) if isinstance(d, str) else d for d in shape)
        return Operand(dtype, dims, low=low)

    return make


BOOL, F16, F32, F64 = map(tensor, (DType.BOOL, DType.F16, DType.F32, DType.F64))
I8, I16, I32, I64 = map(tensor, (DType.I8, DType.I16, DType.I32, DType.I64))
U8, U16, U32, U64 = map(tensor, (DType.U8, DType.U16, DType.U32, DType.U64))


def given(make: Callable[..., Operand], *values: object) -> Operand:
    """Return an operand with exactly these values."""
    array = np.array(values)
    return replace(make(*array.shape), values=tuple(array.ravel().tolist()))


@dataclass(frozen=True)
class Case:
    """An operator on operands; `note` tells the cases of one operator apart.

    `sizes` are the values of symbols to run it with. Operands beyond those of the operator are
    there to make a symbol known.
    """

    op: Op
    operands: tuple[Operand, ...]
    note: str = ""
    rtol: float = 1e-5
    atol: float = 1e-6
    sizes: tuple[tuple[tuple[str, int], ...], ...] = ((),)

    @property
    def label(self) -> str:
        types = ",".join(
            f"{o.dtype.value}[{','.join(map(str, o.shape))}]{'c' * o.const}" for o in self.operands
        )
        return f"{self.op}{' ' + self.note if self.note else ''}: {types}"

    @property
    def name(self) -> str:
        return type(self.op).__name__

    @property
    def dtype(self) -> DType:
        """The element type it is about; a condition is not."""
        numbers = [o.dtype for o in self.operands if o.dtype is not DType.BOOL]
        return numbers[0] if numbers else DType.BOOL

    @property
    def seed(self) -> int:
        return zlib.crc32(self.label.encode())

    def graph(self) -> Graph:
        """Return the graph of the one operator; the inputs are called in0, in1 ..."""
        graph, values = Graph(), []
        for i, operand in enumerate(self.operands):
            if operand.const:
                values.append(graph.constant(f"in{i}", operand.array(self.seed + i, {})))
            else:
                values.append(graph.input(f"in{i}", TensorType(operand.dtype, operand.shape)))
        if not self.op.variadic:
            del values[len(self.op.operands) :]
        outputs = graph.add_multi(self.op, *values, names=("y",), at=Location("test"))
        for i, value in enumerate(outputs):
            graph.output(f"out{i}", value)
        return graph

    def feeds(self, known: Mapping[str, int]) -> dict[str, Array]:
        """Return the inputs, with the symbols bound to `known`."""
        return {
            f"in{i}": operand.array(self.seed + i, known)
            for i, operand in enumerate(self.operands)
            if not operand.const
        }


def case(
    op: Op, *operands: Operand, note: str = "", rtol: float | None = None, atol: float | None = None
) -> Case:
    """Return a case with the tolerance of the least exact element type among the operands."""
    dtypes = {o.dtype for o in operands}
    if DType.F16 in dtypes:
        default = (2e-3, 2e-3)
    elif DType.F32 in dtypes:
        default = (1e-5, 1e-6)
    elif DType.F64 in dtypes:
        default = (1e-7, 1e-9)
    else:
        default = (0.0, 0.0)
    return Case(
        op,
        operands,
        note,
        default[0] if rtol is None else rtol,
        default[1] if atol is None else atol,
    )

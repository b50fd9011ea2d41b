"""Adding operators to a graph: what frontends share of normalising axes, shapes and indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mgeconvert.errors import Location, ShapeError, UnsupportedCase
from mgeconvert.ir import ops
from mgeconvert.ir.contents import dims_of
from mgeconvert.ir.dims import Dim, Shape, Sym, missing_dim
from mgeconvert.ir.graph import Graph, Value
from mgeconvert.ir.op import Array, Op
from mgeconvert.ir.types import DType, TensorType


class Builder:
    """Adds nodes that all come from one place of the source; `name` is the hint for their names."""

    def __init__(self, graph: Graph, at: Location, name: str) -> None:
        self.graph, self.at, self.name = graph, at, name

    def emit(self, op: Op, *inputs: Value) -> Value:
        """Add an operator with one output."""
        return self.graph.add(op, *inputs, name=self.name, at=self.at)

    def emit_multi(self, op: Op, *inputs: Value) -> tuple[Value, ...]:
        """Add an operator with several outputs."""
        return self.graph.add_multi(op, *inputs, names=(self.name,), at=self.at)

    def constant(self, array: Array, name: str = "") -> Value:
        """Return a constant called `name`, or after the place of the source."""
        return self.graph.constant(name or f"{self.name}.const", np.asarray(array))

    def scalar(self, number: float, dtype: DType) -> Value:
        """Return a constant of rank 0."""
        return self.constant(np.array(number, dtype.numpy))

    def cast(self, x: Value, dtype: DType) -> Value:
        """Return x with the element type `dtype`."""
        return x if x.type.dtype is dtype else self.emit(ops.Cast(to=dtype), x)

    def dims(self, dims: Sequence[Dim], *, dtype: DType = DType.I32, scalar: bool = False) -> Value:
        """Return dimensions as a tensor: a vector, or the scalar of the only one."""
        return self.emit(ops.DimVector(dims=tuple(dims), dtype=dtype, scalar=scalar))

    def known_dims(self, x: Value) -> Shape:
        """Return the elements of an integer tensor; raise UnsupportedCase where data decides."""
        dims = dims_of(x)
        if dims is None:
            raise UnsupportedCase(
                f"the value {x} decides a shape, but is known only at run time",
                hint="compute it from shapes and constants",
            )
        return dims

    def axis(self, axis: int, rank: int) -> int:
        """Return `axis` counted from the front; raise ShapeError where there is none."""
        if not -rank <= axis < rank:
            raise ShapeError(f"axis {axis} is outside a tensor of rank {rank}")
        return axis % rank if rank else 0

    def reshape(self, x: Value, target: Sequence[Dim]) -> Value:
        """Reshape; one -1 in `target` stands for what is left."""
        unknown = [i for i, d in enumerate(target) if d == -1]
        shape = list(target)
        if len(unknown) > 1:
            raise ShapeError(f"shape {target} has more than one -1")
        if unknown:
            rest = [d for d in target if d != -1]
            missing = missing_dim(x.type.shape, rest)
            if missing is None:
                raise ShapeError(f"{x.type} does not divide into [{', '.join(map(str, target))}]")
            shape[unknown[0]] = missing
        return self.emit(ops.Reshape(shape=tuple(shape)), x)

    def squeeze(self, x: Value, axes: Sequence[int]) -> Value:
        """Take out the axes `axes`, negative ones counted from the end."""
        places = tuple(sorted({self.axis(a, x.type.rank) for a in axes}))
        return self.emit(ops.Squeeze(squeezed=places), x) if places else x

    def unsqueeze(self, x: Value, axes: Sequence[int]) -> Value:
        """Add axes of one element at the places `axes` of the result."""
        rank = x.type.rank + len(axes)
        places = tuple(sorted(self.axis(a, rank) for a in axes))
        return self.emit(ops.Unsqueeze(added=places), x) if places else x

    def expand(self, x: Value, shape: Sequence[Dim]) -> Value:
        """Broadcast x to `shape`."""
        return x if x.type.shape == tuple(shape) else self.emit(ops.Expand(shape=tuple(shape)), x)

    def full(self, shape: Sequence[Dim], number: float, dtype: DType) -> Value:
        """Return a tensor filled with one number."""
        return self.expand(self.scalar(number, dtype), shape)

    def slice(self, x: Value, spans: Sequence[tuple[Dim | None, Dim | None, int] | None]) -> Value:
        """Slice by Python's rules: one (start, stop, step) for each axis, None for all of it."""
        starts, sizes, steps = [], [], []
        if len(spans) != x.type.rank:
            raise ShapeError(f"{len(spans)} slices of {x.type}")
        for size, span in zip(x.type.shape, spans, strict=True):
            start, count, step = (0, size, 1) if span is None else _resolve(size, *span)
            starts.append(start)
            sizes.append(count)
            steps.append(step)
        op = ops.Slice(starts=tuple(starts), sizes=tuple(sizes), steps=tuple(steps))
        return self.emit(op, x)

    def transpose(self, x: Value, perm: Sequence[int]) -> Value:
        """Permute the axes; negative ones count from the end."""
        return self.emit(ops.Transpose(perm=tuple(self.axis(a, x.type.rank) for a in perm)), x)


def type_of(array: Array) -> TensorType:
    """Return the type of an array."""
    return TensorType(DType.of(array), array.shape)


def _resolve(size: Dim, start: Any, stop: Any, step: int) -> tuple[Dim, Dim, int]:
    """Return the first index, the number of elements and the step that Python's slice means."""
    if step == 0:
        raise ShapeError("a slice has the step 0")
    if all(isinstance(n, int) or n is None for n in (size, start, stop)):
        span = range(*slice(start, stop, step).indices(size))  # type: ignore[arg-type]
        return (span.start if len(span) else 0), len(span), step
    if start is None and stop is None and step == -1:
        return size - 1, size, -1
    if step < 0:
        first = size - 1 if start is None else _edge(size, start)
        last = -1 if stop is None else _edge(size, stop)
        return first, (first - last - step - 1) // -step, step
    first = _edge(size, 0 if start is None else start)
    last = _edge(size, size if stop is None else stop)
    return first, (last - first + step - 1) // step, step


def _edge(size: Dim, place: Dim) -> Dim:
    """Count `place` from the front. A symbolic size is taken to be large enough for numbers."""
    if isinstance(place, int) and place < 0:
        return size + place
    if isinstance(place, Sym) and place != size and isinstance(size, int):
        raise UnsupportedCase(f"a slice of {size} elements at the symbolic place {place}")
    return place

"""Operators that move, select or repeat elements without changing them."""

from __future__ import annotations

import numpy as np

from mgeconvert.errors import ShapeError
from mgeconvert.ir.dims import Dim, Shape, Sym, missing_dim
from mgeconvert.ir.op import Array, Arrays, Layout, Op, Types, op
from mgeconvert.ir.ops.infer import Pairs, broadcast, need_axis, same_dtype
from mgeconvert.ir.types import DType, TensorType


def numbers(dims: Shape) -> tuple[int, ...]:
    """Return dims that have been bound; raise ShapeError where a symbol is left."""
    if any(isinstance(d, Sym) for d in dims):
        raise ShapeError(f"({', '.join(map(str, dims))}) has no value yet")
    return tuple(d for d in dims if isinstance(d, int))


@op("x", layout=Layout.AXES)
class Reshape(Op):
    """The elements of x, in order, as another shape; no -1 and no 0 with a meaning of its own."""

    shape: Shape

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        if missing_dim(x.shape, self.shape) != 1 and x.size != TensorType(x.dtype, self.shape).size:
            raise ShapeError(f"{x} does not fit the shape [{', '.join(map(str, self.shape))}]")
        return (TensorType(x.dtype, self.shape),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        return (arrays[0].reshape(numbers(self.shape)),)


@op("x", layout=Layout.AXES, axes="squeezed")
class Squeeze(Op):
    """x without the axes `axes`, each of which has one element."""

    squeezed: tuple[int, ...]

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        for axis in self.squeezed:
            need_axis(axis, x.rank)
            if x.shape[axis] != 1:
                raise ShapeError(f"axis {axis} of {x} does not have the size 1")
        shape = tuple(d for i, d in enumerate(x.shape) if i not in self.squeezed)
        return (TensorType(x.dtype, shape),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        return (np.squeeze(arrays[0], self.squeezed),)


@op("x", layout=Layout.AXES)
class Unsqueeze(Op):
    """x with axes of one element at the places `added` of the result, in ascending order."""

    added: tuple[int, ...]

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        rank = x.rank + len(self.added)
        for axis in self.added:
            need_axis(axis, rank)
        if sorted(set(self.added)) != list(self.added):
            raise ShapeError(f"axes {self.added} are not in ascending order")
        rest = iter(x.shape)
        shape = tuple(1 if i in self.added else next(rest) for i in range(rank))
        return (TensorType(x.dtype, shape),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        return (np.expand_dims(arrays[0], self.added),)


@op("x")
class Transpose(Op):
    """Axis i of the result is axis perm[i] of x."""

    perm: tuple[int, ...]

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        if sorted(self.perm) != list(range(x.rank)):
            raise ShapeError(f"{self.perm} is no permutation of the axes of {x}")
        return (TensorType(x.dtype, tuple(x.shape[i] for i in self.perm)),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        return (np.transpose(arrays[0], self.perm),)


@op("x", layout=Layout.AXES)
class Expand(Op):
    """x broadcast to `shape`."""

    shape: Shape

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        if any(isinstance(d, int) and d < 0 for d in self.shape):
            raise ShapeError(f"the shape [{', '.join(map(str, self.shape))}] has a negative size")
        if len(self.shape) < x.rank or broadcast([x.shape, self.shape]) != self.shape:
            raise ShapeError(f"{x} does not broadcast to [{', '.join(map(str, self.shape))}]")
        return (TensorType(x.dtype, self.shape),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        return (np.broadcast_to(arrays[0], numbers(self.shape)).copy(),)


@op("*xs", layout=Layout.AXES, axes="axis")
class Concat(Op):
    """The operands one after the other along `axis`."""

    axis: int

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        if not types:
            raise ShapeError("concat of nothing")
        first = types[0]
        need_axis(self.axis, first.rank)
        total: Dim = 0
        for t in types:
            rest = [d for i, d in enumerate(t.shape) if i != self.axis]
            if t.rank != first.rank or rest != [
                d for i, d in enumerate(first.shape) if i != self.axis
            ]:
                raise ShapeError(f"{first} and {t} cannot be joined along axis {self.axis}")
            total = total + t.shape[self.axis]
        shape = (*first.shape[: self.axis], total, *first.shape[self.axis + 1 :])
        return (TensorType(same_dtype(types), shape),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        return (np.concatenate(arrays, self.axis),)


@op("x", layout=Layout.AXES, axes="axis")
class Split(Op):
    """x cut along `axis` into parts of the given sizes."""

    axis: int
    sizes: Shape

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        need_axis(self.axis, x.rank)
        total: Dim = 0
        for size in self.sizes:
            total = total + size
        if total != x.shape[self.axis]:
            raise ShapeError(f"parts of {self.sizes} do not add up to axis {self.axis} of {x}")
        before, after = x.shape[: self.axis], x.shape[self.axis + 1 :]
        return tuple(TensorType(x.dtype, (*before, size, *after)) for size in self.sizes)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        cuts = np.cumsum(numbers(self.sizes))[:-1]
        return tuple(np.split(arrays[0], cuts, self.axis))


@op("x", layout=Layout.AXES, per_axis="starts sizes steps")
class Slice(Op):
    """Along each axis: `sizes` elements from index `starts` on, `steps` apart.

    Starts count from the front; steps may be negative.
    """

    starts: Shape
    sizes: Shape
    steps: tuple[int, ...]

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        if not len(self.starts) == len(self.sizes) == len(self.steps) == x.rank:
            raise ShapeError(f"a slice of {len(self.starts)} axes of {x}")
        for dim, start, size, step in zip(x.shape, self.starts, self.sizes, self.steps):
            if not (isinstance(dim, int) and isinstance(start, int) and isinstance(size, int)):
                continue
            last = start + (size - 1) * step
            if size < 0 or step == 0 or (size and not (0 <= start < dim and 0 <= last < dim)):
                raise ShapeError(f"{size} elements from {start} step {step} are not within {dim}")
        return (TensorType(x.dtype, self.sizes),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        index = []
        for start, size, step in zip(numbers(self.starts), numbers(self.sizes), self.steps):
            stop = start + size * step
            index.append(slice(start, None if stop < 0 else stop, step) if size else slice(0))
        return (np.ascontiguousarray(arrays[0][tuple(index)]).reshape(numbers(self.sizes)),)


@op("x", layout=Layout.AXES, per_axis="pads")
class Pad(Op):
    """x with elements added around it.

    Mode "constant" adds `value`, "edge" repeats the border, "reflect" mirrors without it.
    """

    pads: Pairs
    mode: str = "constant"
    value: float = 0.0

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        if len(self.pads) != x.rank or any(n < 0 for pair in self.pads for n in pair):
            raise ShapeError(f"padding {self.pads} does not fit {x}")
        if self.mode == "reflect":
            for size, pair in zip(x.shape, self.pads):
                if isinstance(size, int) and max(pair) >= max(size, 1):
                    raise ShapeError(f"{x} is too small to reflect {pair}")
        shape = tuple(d + before + after for d, (before, after) in zip(x.shape, self.pads))
        return (TensorType(x.dtype, shape),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        (x,) = arrays
        if self.mode == "constant":
            return (np.pad(x, self.pads, constant_values=x.dtype.type(self.value)),)
        return (np.pad(x, self.pads, mode=self.mode),)  # type: ignore[call-overload]


@op("x", layout=Layout.AXES, per_axis="repeats")
class Tile(Op):
    """x repeated `repeats` times along each axis, as a whole."""

    repeats: Shape

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        if len(self.repeats) != x.rank:
            raise ShapeError(f"repeats {self.repeats} do not fit {x}")
        return (TensorType(x.dtype, tuple(d * r for d, r in zip(x.shape, self.repeats))),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        return (np.tile(arrays[0], numbers(self.repeats)),)


@op("x", layout=Layout.SENSITIVE)
class DepthToSpace(Op):
    """Channels become blocks of size x size pixels; channel order (C, size, size)."""

    size: int

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        if x.rank != 4:
            raise ShapeError(f"{x} is not N,C,H,W")
        n, c, h, w = x.shape
        area = self.size * self.size
        if isinstance(c, int) and c % area:
            raise ShapeError(f"{c} channels are not a multiple of {area}")
        return (TensorType(x.dtype, (n, c // area, h * self.size, w * self.size)),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        n, c, h, w = arrays[0].shape
        r = self.size
        y = arrays[0].reshape(n, c // (r * r), r, r, h, w).transpose(0, 1, 4, 2, 5, 3)
        return (y.reshape(n, c // (r * r), h * r, w * r),)


@op("")
class Range(Op):
    """0, 1 ... count - 1 as int32."""

    count: Dim

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        if isinstance(self.count, int) and self.count < 0:
            raise ShapeError(f"a range of {self.count} elements")
        return (TensorType(DType.I32, (self.count,)),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        return (np.arange(*numbers((self.count,)), dtype=np.int32),)


@op("")
class DimVector(Op):
    """Dimensions of the graph's inputs as a 1-D integer tensor, or a scalar of the only one."""

    dims: Shape
    dtype: DType = DType.I32
    scalar: bool = False

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        if self.scalar and len(self.dims) != 1:
            raise ShapeError(f"{len(self.dims)} dimensions are no scalar")
        return (TensorType(self.dtype, () if self.scalar else (len(self.dims),)),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        values = np.array(numbers(self.dims), self.dtype.numpy)
        return (values.reshape(()) if self.scalar else values,)

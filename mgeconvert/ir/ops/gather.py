"""Operators that read or write at computed places."""

from __future__ import annotations

import numpy as np

from mgeconvert.errors import ShapeError
from mgeconvert.ir.op import Array, Arrays, Layout, Op, Types, op
from mgeconvert.ir.ops.infer import need_axis, same_dtype
from mgeconvert.ir.types import DType, TensorType


def _need_integers(indices: TensorType) -> None:
    if indices.dtype not in (DType.I32, DType.I64):
        raise ShapeError(f"the indices are {indices}, not int32 or int64")


@op("x indices", layout=Layout.AXES)
class Gather(Op):
    """x at `indices` along `axis`: the axis is replaced by the axes of the indices.

    Negative indices count from the end.
    """

    axis: int

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        x, indices = types
        need_axis(self.axis, x.rank)
        _need_integers(indices)
        shape = (*x.shape[: self.axis], *indices.shape, *x.shape[self.axis + 1 :])
        return (TensorType(x.dtype, shape),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        return (np.asarray(np.take(arrays[0], arrays[1], self.axis)),)


@op("x indices", layout=Layout.AXES, axes="axis")
class GatherElements(Op):
    """For each element of the indices: x at the same place, but that index along `axis`."""

    axis: int

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        x, indices = types
        need_axis(self.axis, x.rank)
        _need_integers(indices)
        if x.rank != indices.rank:
            raise ShapeError(f"indices {indices} for {x}")
        return (TensorType(x.dtype, indices.shape),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        x, indices = arrays
        crop = tuple(slice(None if i == self.axis else n) for i, n in enumerate(indices.shape))
        return (np.take_along_axis(x[crop], indices, self.axis),)


@op("x indices")
class GatherNd(Op):
    """The last axis of the indices addresses axes of x, after `batch_dims` shared ones."""

    batch_dims: int = 0

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        x, indices = types
        _need_integers(indices)
        depth = indices.shape[-1] if indices.rank else 0
        if not isinstance(depth, int) or not 0 < depth <= x.rank - self.batch_dims:
            raise ShapeError(f"indices {indices} do not address {x}")
        rest = x.shape[self.batch_dims + depth :]
        return (TensorType(x.dtype, (*indices.shape[:-1], *rest)),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        x, indices = arrays
        lead = x.shape[: self.batch_dims]
        grids = np.indices(lead).reshape(self.batch_dims, *lead)
        extra = indices.ndim - 1 - self.batch_dims
        batch = [g.reshape(*lead, *(1,) * extra) for g in grids]
        parts = [indices[..., i] for i in range(indices.shape[-1])]
        place = (*batch, *parts)
        return (np.asarray(x[place]),)


@op("x indices updates", layout=Layout.AXES, axes="axis")
class ScatterElements(Op):
    """x with `updates` written where GatherElements would read; the last of several wins.

    Reduction "add" adds instead.
    """

    axis: int
    reduction: str = "none"

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        x, indices, updates = types
        need_axis(self.axis, x.rank)
        _need_integers(indices)
        same_dtype([x, updates])
        if x.rank != indices.rank or indices.shape != updates.shape:
            raise ShapeError(f"indices {indices} and updates {updates} for {x}")
        return (x,)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        x, indices, updates = arrays
        result = x.copy()
        place = list(np.indices(indices.shape))
        place[self.axis] = indices
        if self.reduction == "add":
            np.add.at(result, tuple(place), updates)
        else:
            result[tuple(place)] = updates
        return (result,)


@op("x indices updates")
class ScatterNd(Op):
    """x with `updates` written where GatherNd would read; reduction "add" adds instead."""

    reduction: str = "none"

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        x, indices, updates = types
        _need_integers(indices)
        same_dtype([x, updates])
        depth = indices.shape[-1] if indices.rank else 0
        if not isinstance(depth, int) or not 0 < depth <= x.rank:
            raise ShapeError(f"indices {indices} do not address {x}")
        if updates.shape != (*indices.shape[:-1], *x.shape[depth:]):
            raise ShapeError(f"updates {updates} do not fit indices {indices} of {x}")
        return (x,)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        x, indices, updates = arrays
        result = x.copy()
        place = tuple(np.moveaxis(indices, -1, 0))
        if self.reduction == "add":
            np.add.at(result, place, updates)
        else:
            result[place] = updates
        return (result,)


@op("indices", layout=Layout.AXES)
class OneHot(Op):
    """A new last axis of `depth` elements: 1 at the index, else 0."""

    depth: int
    dtype: DType = DType.I32

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        _need_integers(types[0])
        return (TensorType(self.dtype, (*types[0].shape, self.depth)),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        hot = arrays[0][..., None] == np.arange(self.depth)
        return (hot.astype(self.dtype.numpy),)

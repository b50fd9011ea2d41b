"""Operators as TFLite has them that read, write or choose at computed places."""

from __future__ import annotations

import numpy as np

from mgeconvert.errors import ShapeError
from mgeconvert.ir import DType, TensorType, op, ops
from mgeconvert.ir.dims import Dim, Shape
from mgeconvert.ir.op import Array, Arrays, Op, Types
from mgeconvert.ir.ops.shape import numbers


@op("x indices")
class TflGather(Op):
    """x at indices along `axis`; x and the indices share the first `batch` axes. GATHER."""

    axis: int
    batch: int

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        x, indices = types
        if x.shape[: self.batch] != indices.shape[: self.batch] or self.axis < self.batch:
            raise ShapeError(f"indices {indices} for {x}")
        shape = (
            *x.shape[: self.axis],
            *indices.shape[self.batch :],
            *x.shape[self.axis + 1 :],
        )
        return (TensorType(x.dtype, shape),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        x, indices = arrays
        lead = x.shape[: self.batch]
        made = [
            np.take(x[place], indices[place], self.axis - self.batch) for place in np.ndindex(*lead)
        ]
        shape = (*x.shape[: self.axis], *indices.shape[self.batch :], *x.shape[self.axis + 1 :])
        return (np.array(made, x.dtype).reshape(shape),)


@op("x")
class TflTopK(Op):
    """The k greatest elements of the last axis in order, and their int32 indices. TOPK_V2."""

    k: Dim

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        shape = (*x.shape[:-1], self.k)
        return (TensorType(x.dtype, shape), TensorType(DType.I32, shape))

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        (x,) = arrays
        (k,) = numbers((self.k,))
        values, indices = ops.TopK(axis=x.ndim - 1, k=k).eval([x])
        return (values, indices.astype(np.int32))


@op("indices updates")
class TflScatter(Op):
    """Zeros of `shape`, to which `updates` are added at the places `indices`. SCATTER_ND."""

    shape: Shape

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        indices, updates = types
        depth = indices.shape[-1]
        if not isinstance(depth, int) or updates.shape != (
            *indices.shape[:-1],
            *self.shape[depth:],
        ):
            raise ShapeError(f"indices {indices} and updates {updates}")
        return (TensorType(updates.dtype, self.shape),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        indices, updates = arrays
        result = np.zeros(numbers(self.shape), updates.dtype)
        np.add.at(result, tuple(np.moveaxis(indices, -1, 0)), updates)
        return (result,)


@op("boxes scores")
class TflNonMaxSuppression(Op):
    """The int32 indices of the boxes kept. NON_MAX_SUPPRESSION_V4 and what is valid of it.

    A box goes where its intersection with a kept one is `threshold` of their union or more. The
    order of equal scores is open. `kept` is a symbol for the number of boxes, `limit` its bound.
    """

    threshold: float
    kept: Dim
    limit: Dim

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        return (TensorType(DType.I32, (self.kept,)),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        below = float(np.nextafter(np.float32(self.threshold), np.float32(-np.inf)))
        (limit,) = numbers((self.limit,))
        made = ops.NonMaxSuppression(threshold=below, kept=self.kept, limit=limit)
        return (made.eval(arrays)[0].astype(np.int32),)

"""The places where a mask holds, whose number depends on data."""

from __future__ import annotations

import numpy as np

from mgeconvert.errors import ShapeError
from mgeconvert.ir.dims import Dim
from mgeconvert.ir.op import Array, Arrays, Op, Types, op
from mgeconvert.ir.types import DType, TensorType


@op("mask")
class NonZero(Op):
    """The int64 places where a bool vector is true, in order.

    `count` is a symbol of its own for their number.
    """

    count: Dim

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (mask,) = types
        if mask.rank != 1 or mask.dtype is not DType.BOOL:
            raise ShapeError(f"a mask {mask}, where a bool vector is needed")
        return (TensorType(DType.I64, (self.count,)),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        return (np.flatnonzero(arrays[0]).astype(np.int64),)

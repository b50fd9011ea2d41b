"""Reading the bits of numbers as another element type."""

from __future__ import annotations

import numpy as np

from mgeconvert.errors import ShapeError
from mgeconvert.ir import DType, TensorType, op
from mgeconvert.ir.op import Array, Arrays, Op, Types


@op("x")
class TflBitcast(Op):
    """int64 as pairs of int32 along a new last axis, the lower half first, or back. BITCAST."""

    to: DType

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        if (x.dtype, self.to) == (DType.I64, DType.I32):
            return (TensorType(self.to, (*x.shape, 2)),)
        if (x.dtype, self.to) != (DType.I32, DType.I64) or x.shape[-1:] != (2,):
            raise ShapeError(f"{x} as {self.to.value}")
        return (TensorType(self.to, x.shape[:-1]),)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        (x,) = arrays
        if self.to is DType.I32:
            halves = np.ascontiguousarray(x).astype("<i8").reshape(-1).view("<i4")
            return (halves.reshape(*x.shape, 2).astype(np.int32),)
        whole = np.ascontiguousarray(x).astype("<i4").reshape(-1).view("<i8")
        return (whole.reshape(x.shape[:-1]).astype(np.int64),)

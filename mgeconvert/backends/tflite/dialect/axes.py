"""Operators along the last axis, and those between numbers and whole numbers."""

from __future__ import annotations

from mgeconvert.errors import ShapeError
from mgeconvert.ir import Array, Layout, Op, Quant, TensorType, op, ops
from mgeconvert.ir.op import Arrays, Types
from mgeconvert.ir.quantize import fake_quantize


class LastAxis(Op):
    """Base of the operators that work along the last axis."""

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        (x,) = types
        if x.rank < 1:
            raise ShapeError(f"{x} has no axis")
        return (x,)


@op("x")
class TflSoftmax(LastAxis):
    """exp(x) / sum(exp(x)) along the last axis. SOFTMAX."""

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        return ops.Softmax(axis=arrays[0].ndim - 1).eval(arrays)


@op("x")
class TflLogSoftmax(LastAxis):
    """log(exp(x) / sum(exp(x))) along the last axis. LOG_SOFTMAX."""

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        return ops.LogSoftmax(axis=arrays[0].ndim - 1).eval(arrays)


@op("x", layout=Layout.AGNOSTIC)
class TflQuantize(Op):
    """x as the whole numbers that the result's parameters say, half away from zero. QUANTIZE."""

    quant: Quant

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        return tuple(types)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        return (fake_quantize(arrays[0], self.quant),)


@op("x", layout=Layout.AGNOSTIC)
class TflDequantize(Op):
    """The numbers that whole numbers stand for. DEQUANTIZE."""

    def infer(self, types: Types) -> tuple[TensorType, ...]:
        return tuple(types)

    def eval(self, arrays: Arrays) -> tuple[Array, ...]:
        return tuple(arrays)

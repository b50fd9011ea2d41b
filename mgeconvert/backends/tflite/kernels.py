"""Which operators LiteRT computes in whole numbers, of which types, and what it wants of them.

By TFLite's specification of 8-bit quantization, and by trying LiteRT's kernels.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from mgeconvert.backends.tflite import dialect
from mgeconvert.ir import DType, Op, Quant, ops

I8, U8, I16 = DType.I8, DType.U8, DType.I16
ALL = frozenset({I8, U8, I16})
BYTES = frozenset({I8, U8})


class Wants(enum.Enum):
    """How the parameters of operands and results hang together."""

    RESCALES = enum.auto()  # each has parameters of its own
    EQUAL = enum.auto()  # all have the same
    FIXED = enum.auto()  # the result's are the kernel's own
    LAYER = enum.auto()  # weights and bias besides


@dataclass(frozen=True)
class Kernel:
    """What a kernel wants, the types it has, and which operands hold numbers (the rest: places)."""

    wants: Wants
    types: frozenset[DType] = ALL
    operands: int | None = None  # how many, from the first; None for all


RESCALES = Kernel(Wants.RESCALES)
EQUAL = Kernel(Wants.EQUAL)
LAYER = Kernel(Wants.LAYER)
FIRST_EQUAL = Kernel(Wants.EQUAL, operands=1)

KERNELS: Mapping[type[Op], Kernel] = {
    **dict.fromkeys((dialect.TflConv, dialect.TflDepthwise, ops.Linear), LAYER),
    dialect.TflTransposeConv: Kernel(Wants.LAYER, frozenset({I8, U8, I16})),
    **dict.fromkeys((ops.Add, ops.Sub, ops.Mul, ops.ReduceMean, ops.Relu), RESCALES),
    ops.MatMul: Kernel(Wants.RESCALES, frozenset({I8, I16})),
    ops.LeakyRelu: RESCALES,
    ops.Clip: RESCALES,
    ops.HardSwish: Kernel(Wants.RESCALES, BYTES),
    **dict.fromkeys((ops.Sigmoid, ops.Tanh, dialect.TflSoftmax), Kernel(Wants.FIXED)),
    dialect.TflLogSoftmax: Kernel(Wants.FIXED, BYTES),
    **dict.fromkeys((dialect.TflMaxPool, dialect.TflAvgPool), EQUAL),
    **dict.fromkeys((ops.Reshape, ops.Squeeze, ops.Unsqueeze, ops.Transpose, ops.Concat), EQUAL),
    **dict.fromkeys((ops.Slice, ops.Split, ops.Pad, ops.Expand, ops.Tile), EQUAL),
    **dict.fromkeys((ops.Maximum, ops.Minimum), EQUAL),
    **dict.fromkeys((ops.ReduceMax, ops.ReduceMin), EQUAL),
    dialect.TflDepthToSpace: Kernel(Wants.EQUAL, BYTES),
    dialect.TflResize: EQUAL,
    **dict.fromkeys((ops.Gather, ops.GatherNd), FIRST_EQUAL),
}

FIXED: Mapping[tuple[type[Op], DType], tuple[float, int]] = {
    **{(op, I8): (1 / 256, -128) for op in (ops.Sigmoid, dialect.TflSoftmax)},
    **{(op, U8): (1 / 256, 0) for op in (ops.Sigmoid, dialect.TflSoftmax)},
    **{(op, I16): (1 / 32768, 0) for op in (ops.Sigmoid, ops.Tanh, dialect.TflSoftmax)},
    (ops.Tanh, I8): (1 / 128, 0),
    (ops.Tanh, U8): (1 / 128, 128),
    (dialect.TflLogSoftmax, I8): (16 / 256, 127),
    (dialect.TflLogSoftmax, U8): (16 / 256, 255),
}
"""Scale and zero point of results that are the kernel's own."""

RANGES: Mapping[DType, tuple[int, int]] = {I8: (-128, 127), U8: (0, 255), I16: (-32768, 32767)}
WEIGHTS: Mapping[DType, tuple[int, int]] = {I8: (-127, 127), U8: (0, 255)}


def fixed(op: type[Op], dtype: DType) -> Quant:
    """Return the parameters of the result of a kernel that has its own."""
    scale, zero = FIXED[op, dtype]
    return Quant(dtype, *RANGES[dtype], (scale,), (zero,))


def wide(quant: Quant) -> Quant:
    """Return the parameters with all the numbers of their type."""
    low, high = RANGES[quant.dtype]
    return Quant(quant.dtype, low, high, quant.scale, quant.zero_point, quant.axis)

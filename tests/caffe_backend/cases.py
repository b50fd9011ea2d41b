"""The operators on tensors of fixed sizes that float32 holds: ONNX's cases, and more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from mgeconvert.backends.caffe.held import HELD, LARGEST
from mgeconvert.ir import DType, ops
from mgeconvert.ir.ops.sampling import BORDERS
from tests.onnx_backend.case import BOOL, F32, I8, I16, I32, I64, U8, Case, Operand, case, given
from tests.onnx_backend.cases import CASES as ALL
from tests.onnx_backend.cases.network import conv, transposed
from tests.onnx_backend.cases.recurrent import layer as recurrent

NONE, SAME = (0, 0), (1, 1)
INF = float("inf")
SMALL = (-3e-4, -1e-7, -1e-20, 0.0, 1e-7, 2e-5)
BASES = (-3.0, -1.0, -0.5, 0.0, 0.25, 1.0, 1.5, 2.0, 7.0)
EXPONENTS = (-3.0, -2.5, -2.0, -1.0, 0.0, 1e-6, 0.5, 1.0, 1.75, 2.0, 3.0, 30.0)
QUADRANTS = (
    (
        (0.0, 0.0, 0.0, 1.0, -1.0, 1.0, -1.0, 3.0, -3.0),
        (0.0, 1.0, -1.0, 0.0, 0.0, 1.0, 1.0, -1.0, -1.0),
    ),
    ((3e38, -3e38, 1e-30, -1e-30, 1e30, 1e-4), (3e38, 1.0, -3e-30, 2e-30, -1e-30, -1e4)),
    ((1e-6, -2e-6, 1e-7), (1.0, 1.0, 3.0)),
)


def held(*values: float) -> Operand:
    return replace(F32(len(values)), values=values)


ROI = given(F32, (0, 0.5, 1, 4.3, 5), (0, 3, 3, 1, 2), (0, -2, -1, 9, 3))
NO_YES = ((), (F32(6).fixed(),))


def deformed(groups: int, parts: int, bias: tuple[Operand, ...], *, size: int = 5) -> Case:
    out = ((size + 1) // 2, size)
    return case(
        ops.DeformConv(stride=(2, 1), padding=((1, 1), (2, 2)), dilation=(1, 2), groups=groups),
        F32(2, 4, size, size),
        F32(6, 4 // groups, 3, 3).fixed(),
        F32(2, parts * 18, *out).between(-1.5, 1.5),
        F32(2, parts * 9, *out),
        *bias,
        atol=1e-4,
    )


def one(make: Callable[..., Operand], number: int) -> Operand:
    return given(make, number).fixed()


MORE: list[Case] = [
    # Powers that OpenCV would fuse wrongly with what follows; see net.py.
    case(ops.Gelu(), F32(2, 3, 4, 4)),
    case(ops.Div(), F32(3).between(1, 2).fixed(), F32(2, 3).between(1, 2)),
    # Broadcasts of computed operands.
    *(
        case(op(), F32(2, 3, 4, 5).between(1, 2), F32(*shape).between(1, 2))
        for op in (ops.Add, ops.Sub, ops.Mul, ops.Div, ops.Maximum, ops.Minimum)
        for shape in ((2, 3, 1, 1), (2, 1, 4, 5), (1, 3, 1, 5), (5,), (2, 1, 1, 1), (1,))
    ),
    case(ops.Mul(), F32(2, 3, 1), F32(1, 4)),
    *(
        case(op(), F32(2, 3, 4, 5), F32(*shape).between(1, 2).fixed())
        for op in (ops.Add, ops.Mul)
        for shape in ((3, 1, 1), (2, 1, 1, 1), (4, 5), (3, 1, 5), (2, 3, 4, 5), (2, 1, 4, 1))
    ),
    # Windows that Caffe's ceil mode does not make by itself.
    *(
        case(
            pool(kernel=(k, k), stride=(s, s), padding=((a, b), (a, b)), ceil_mode=c),
            F32(1, 2, h, w),
        )
        for pool in (ops.MaxPool, ops.AvgPool)
        for k, s, a, b in ((3, 2, 1, 1), (2, 2, 0, 0), (3, 2, 0, 1), (3, 1, 2, 0), (3, 3, 1, 0))
        for c in (False, True)
        for h, w in ((8, 9), (7, 10))
    ),
    case(ops.MaxPool(kernel=(3,), stride=(2,), padding=((1, 1),)), F32(2, 3, 8)),
    case(ops.AvgPool(kernel=(2, 2, 2), stride=(2, 2, 2), padding=(NONE,) * 3), F32(1, 2, 4, 5, 6)),
    # Padding that is not symmetric.
    *(
        case(conv((s, s), ((a, b), (b, a))), F32(1, 2, 9, 8), F32(3, 2, 3, 3).fixed(), atol=1e-5)
        for s in (1, 2)
        for a, b in ((0, 1), (1, 0), (2, 0), (0, 3))
    ),
    case(
        transposed((2, 2), (SAME, SAME), (1, 0), (2, 1), 2),
        F32(1, 4, 3, 4),
        F32(4, 2, 3, 3).fixed(),
    ),
    *(
        case(
            ops.ConvTranspose(
                stride=stride,
                padding=padding,
                output_padding=extra,
                dilation=dilation,
                groups=groups,
            ),
            F32(1, 4, 2, 3, 2),
            F32(4, 2, 2, 3, 2).fixed(),
            *bias,
            atol=1e-5,
        )
        for stride, padding, extra, dilation, groups, bias in (
            ((1,) * 3, (NONE,) * 3, (0,) * 3, (1,) * 3, 1, ()),
            ((2, 3, 1), (NONE, SAME, NONE), (1, 0, 0), (1, 2, 1), 1, (F32(2).fixed(),)),
            ((2, 2, 2), ((1, 0), (0, 2), (2, 0)), (0, 1, 1), (1,) * 3, 2, ()),
        )
    ),
    # Depthwise kernels of 3 by 3 for which OpenCV's fast way reads beside the image.
    *(
        case(
            conv(stride, ((a, a), (b, b)), (d, d), 4),
            F32(1, 4, h, w),
            F32(4, 1, 3, 3).fixed(),
            atol=1e-5,
        )
        for h, w in ((1, 5), (5, 1), (3, 6), (6, 9))
        for stride in ((1, 1), (2, 1))
        for a, b in ((1, 1), (1, 0), (0, 1))
        for d in (1, 2, 3)
        if h + 2 * a > 2 * d and w + 2 * b > 2 * d
    ),
    case(conv((1, 1, 1), (SAME,) * 3), F32(1, 2, 4, 3, 4), F32(3, 2, 3, 3, 3).fixed(), atol=1e-5),
    *(
        case(pool(kernel=(3, 3), stride=(5, 5), padding=(NONE, NONE)), F32(1, 2, 7, 10))
        for pool in (ops.MaxPool, ops.AvgPool)
    ),
    # Permutations of blocks, images moved, parts of one tensor.
    *(
        case(ops.Transpose(perm=perm), F32(2, 3, 4, 5))
        for perm in ((0, 2, 3, 1), (0, 3, 1, 2), (3, 2, 1, 0), (1, 0, 2, 3), (0, 2, 1, 3))
    ),
    case(ops.Slice(starts=(0, 0, 1, 0), sizes=(1, 3, 4, 4), steps=(1, 1, 2, 2)), F32(1, 3, 8, 8)),
    case(ops.Softmax(axis=3), F32(1, 2, 3, 4)),
    case(ops.LocalResponseNorm(size=5, alpha=0.3, beta=0.75, k=2.0), F32(1, 8, 3, 3)),
    *(
        case(ops.Resize(size=(8, 12), mode=mode, coordinates=c), F32(1, 2, 4, 4))
        for mode in ("nearest", "linear")
        for c in ("half_pixel", "align_corners", "asymmetric")
    ),
    case(ops.MatMul(), F32(1, 3, 4).fixed(), F32(2, 4, 5), atol=1e-5),
    # Steps at, beside and far from their edges, behind layers into which OpenCV would fuse them.
    *(
        case(op, held(-2.5, -1.5, -1e-30, 0.0, 0.49999997, 0.5, 2.5, 8388607.0, 1e30))
        for op in (ops.Floor(), ops.Ceil(), ops.Round(), ops.Round(half="even"), ops.Sign())
    ),
    *(
        case(op, held(8388605.0, 4194304.5, -4194305.5, -8388605.0, 16777213.0, 3e7))
        for op in (ops.Floor(), ops.Ceil(), ops.Round(), ops.Round(half="even"))
    ),
    case(ops.Cast(to=DType.I32), held(16777213.0, -16777213.0, 8388605.0)),
    *(
        case(op(), given(I32, 16777213, -16777213, 9000001, 5), given(I32, n).fixed())
        for op in (ops.ShiftRight, ops.FloorDiv, ops.Mod, ops.Fmod)
        for n in (1, 2)
    ),
    *(
        case(op(), F32(2, 3, 4), F32(*shape).fixed())
        for op in (ops.Greater, ops.LessEqual, ops.Equal)
        for shape in ((2, 3, 4), (3, 1), (1,))
    ),
    case(ops.Equal(), F32(3), held(1.0, float("inf"), 0.0).fixed()),
    case(ops.Add(), F32(2, 1, 3, 2, 1, 2), F32(2, 1, 3, 2, 1, 2)),
    # Quotients at and beside whole numbers, by all signs.
    *(
        case(op(), I32(64).between(-40, 40), I32(64).between(1, 9))
        for op in (ops.Div, ops.FloorDiv, ops.Mod, ops.Fmod)
    ),
    *(
        case(op(), I32(64).between(-(2**24), 2**24), I32(1).between(7, 49).fixed())
        for op in (ops.Div, ops.FloorDiv, ops.Mod, ops.Fmod)
    ),
    *(
        case(op(), F32(64).between(-50, 50), F32(64).between(0.1, 3), atol=1e-5)
        for op in (ops.FloorDiv, ops.Mod, ops.Fmod)
    ),
    case(ops.Add(), U8(4, 8).between(100, 255), U8(4, 8).between(100, 255)),
    *(case(op(axis=axis), F32(2, 5, 3, 4)) for op in (ops.ArgMax, ops.ArgMin) for axis in range(4)),
    *(case(ops.TopK(axis=axis, k=3), F32(4, 5, 3, 4)) for axis in range(4)),
    # Computed places: any axis and rank, negative ones, duplicates, constant and computed tables.
    *(
        case(ops.Gather(axis=axis), data, I32(*shape).between(-3, 2))
        for data in (F32(4, 3, 5, 6), F32(4, 3, 5, 6).fixed())
        for axis in range(4)
        for shape in ((), (7,), (2, 3))
    ),
    case(ops.Gather(axis=0), F32(5).fixed(), I32(2, 1, 3).between(-5, 4)),
    case(ops.Gather(axis=0), held(1.0, INF, -INF, 0.0).fixed(), I32(9).between(-4, 3)),
    *(
        case(op(axis=axis), F32(3, 4, 5), I32(2, 3, 4).between(-3, 2), *more)
        for axis in range(3)
        for op, more in (
            (ops.GatherElements, ()),
            (ops.ScatterElements, (F32(2, 3, 4),)),
            (partial(ops.ScatterElements, reduction="add"), (F32(2, 3, 4),)),
        )
    ),
    case(ops.ScatterElements(axis=1), F32(2, 4), I32(2, 9).between(-4, 3).fixed(), F32(2, 9)),
    case(ops.GatherNd(batch_dims=1), F32(2, 3, 4, 5), I32(2, 3, 2).between(-3, 2)),
    case(ops.GatherNd(), F32(3, 4, 5).fixed(), I32(2, 4, 2).between(-3, 2)),
    case(ops.GatherNd(batch_dims=2), F32(2, 3, 4), I32(2, 3, 2, 1).between(-4, 3).fixed()),
    *(
        case(ops.ScatterNd(reduction=r), F32(3, 4, 5), i.between(-3, 2), F32(3, 2, *shape))
        for r in ("none", "add")
        for i, shape in (
            (I32(3, 2, 1), (4, 5)),
            (I32(3, 2, 2), (5,)),
            (I32(3, 2, 3), ()),
            (I32(3, 2, 2).fixed(), (5,)),
        )
    ),
    # More of them than are written out.
    case(ops.OneHot(depth=10000), I32(2000)),
    case(ops.Gather(axis=0), F32(5000), I32(5000)),
    case(ops.GatherElements(axis=1), F32(1, 3000), I32(1, 3000)),
    case(ops.ScatterElements(axis=1), F32(1, 3000), I32(1, 3000), F32(1, 3000)),
    case(ops.GatherNd(), F32(5000), I32(5000, 1)),
    case(ops.ScatterNd(), F32(5000), I32(5000, 1), F32(5000)),
    # Images read between their pixels, and too many of them.
    *(
        deformed(groups, parts, bias)
        for groups, parts in ((1, 1), (2, 2), (1, 4))
        for bias in NO_YES
    ),
    *(
        case(ops.Remap(mode=mode, border=border), F32(1, 2, 1, 3), F32(1, 4, 5, 2), atol=1e-4)
        for mode in ("linear", "nearest")
        for border in BORDERS
    ),
    case(ops.RoiAlign(size=(2, 2), samples=(2, 1)), F32(1, 3, 6, 5), ROI, atol=1e-5),
    case(ops.RoiAlign(size=(64, 64), samples=(1, 1)), F32(1, 1, 128, 128), ROI),
    case(ops.Remap(), F32(1, 1, 128, 128), F32(1, 64, 64, 2)),
    deformed(1, 1, NO_YES[0], size=64),
    # Angles: many turns, all quadrants and axes, numbers near 0 and 1 and far from both.
    *(case(op(), F32(512).between(-a, a)) for op in (ops.Sin, ops.Cos) for a in (9, 25000)),
    case(ops.Tan(), F32(3, 5).between(-1.5, 1.5)),
    *(case(ops.Atan2(), held(*a), held(*b)) for a, b in QUADRANTS),
    case(ops.Atan2(), F32(2, 1, 4), F32(3, 1)),
    *(case(op(), held(-1.0, -0.999, 0.0, 1e-5, 1.0)) for op in (ops.Asin, ops.Acos, ops.Atanh)),
    case(ops.Acos(), held(1.0, 0.9999999, 0.999999)),
    *(case(op(), held(*v)) for op in (ops.Atan, ops.Asinh) for v in (SMALL, (-INF, -1e30, 2.0))),
    *(case(op(), held(*SMALL)) for op in (ops.Atanh, ops.Sinh, ops.Expm1, ops.Log1p)),
    *(case(ops.Acosh(), held(*v)) for v in ((1.0, 1.0000001, 1.00001), (2.0, 1e30, INF))),
    case(ops.Log1p(), held(-1.0, 0.0, 1e30, INF)),
    # Powers: signs, zeros and exponents that are whole or not; of integers exactly.
    *(case(ops.Pow(), replace(F32(len(BASES), 1), values=BASES), held(b)) for b in EXPONENTS),
    case(ops.Pow(), held(*BASES), F32(1, 9).between(-3, 3)),
    case(ops.Pow(), F32(2, 1, 3).between(0.1, 3), F32(4, 1).fixed()),
    case(ops.Pow(), F32(4, 1).between(0.1, 3).fixed(), F32(2, 1, 3)),
    case(ops.Pow(), F32(4, 3), held(2.0, 3.0, -1.0).fixed()),
    case(ops.Pow(), held(-2.0, 0.0, 3.0).fixed(), F32(4, 1).between(0, 3)),
    case(ops.Pow(), F32(4, 3), held(2.0, 2.0, 2.0).fixed()),
    case(ops.Pow(), I32(9, 1).between(-4, 4), I32(12).between(0, 11)),
    case(ops.Pow(), I32(3).between(-1, 1), given(I32, 1000000, 31, 32)),
    case(ops.Pow(), given(I64, 2, -2, 4095), given(I64, 24, 23, 2).fixed()),
    *(case(ops.Pow(), I32(9).between(-9, 9), given(I32, n).fixed()) for n in range(8)),
    *(case(ops.Pow(), make(9).between(0, 127), given(make, 3).fixed()) for make in (I8, U8)),
    # Computed filters, matrices and statistics; groups of one channel compare images.
    *(
        case(conv(stride, padding, dilation, groups), F32(*x), F32(*w), *bias, atol=1e-5)
        for stride, padding, dilation, groups, x, w in (
            ((1,), (SAME,), (1,), 1, (2, 3, 9), (4, 3, 3)),
            ((2,), ((0, 3),), (2,), 2, (1, 4, 9), (6, 2, 2)),
            ((1, 1), (NONE, NONE), (1, 1), 1, (2, 3, 5, 6), (4, 3, 1, 1)),
            ((2, 1), ((0, 2), (3, 1)), (1, 2), 2, (2, 4, 7, 8), (6, 2, 3, 2)),
            ((1, 1), (NONE, NONE), (1, 1), 6, (1, 6, 8, 9), (6, 1, 3, 4)),
            ((1, 1), (SAME, SAME), (1, 1), 3, (2, 3, 5, 5), (6, 1, 3, 3)),
            ((2, 1, 1), (SAME, NONE, (1, 0)), (1, 1, 2), 2, (2, 4, 4, 3, 5), (2, 2, 2, 3, 2)),
        )
        for bias in ((), (F32(w[0]),), (F32(w[0]).fixed(),))
    ),
    case(conv((1, 1), (SAME, SAME)), F32(1, 2, 4, 5).fixed(), F32(3, 2, 3, 3), atol=1e-5),
    case(conv((1, 1), (SAME, SAME)), F32(1, 2, 4, 5), F32(3, 2, 3, 3).fixed(), F32(3), atol=1e-5),
    *(
        case(transposed(stride, padding, extra, dilation, groups), F32(*x), F32(*w), *bias)
        for stride, padding, extra, dilation, groups, x, w in (
            ((2,), (SAME,), (1,), (1,), 1, (2, 3, 5), (3, 4, 3)),
            ((1, 1), (NONE, NONE), (0, 0), (1, 1), 1, (1, 3, 4, 4), (3, 2, 1, 1)),
            ((2, 3), ((0, 1), (2, 0)), (1, 2), (2, 1), 2, (2, 4, 3, 4), (4, 3, 2, 3)),
            (
                (2, 1, 2),
                (SAME, NONE, NONE),
                (0, 0, 1),
                (1, 1, 1),
                2,
                (1, 2, 3, 2, 3),
                (2, 2, 3, 1, 2),
            ),
        )
        for bias in ((), (F32(w[1] * groups),))
    ),
    case(transposed((1,), (NONE,), (0,)), F32(1, 2, 4), F32(2, 3, 3).fixed(), F32(3)),
    *(
        case(ops.Linear(), F32(*x), F32(*w), *bias, atol=1e-5)
        for x, w in (((5,), (3, 5)), ((1, 300), (200, 300)), ((2, 9, 4), (3, 4)), ((2, 4), (1, 4)))
        for bias in ((), (F32(w[0]),), (F32(w[0]).fixed(),))
    ),
    case(ops.Linear(), F32(3, 5).fixed(), F32(4, 5), atol=1e-5),
    case(ops.Linear(), F32(3, 5), F32(4, 5).fixed(), F32(4), atol=1e-5),
    *(
        case(ops.BatchNorm(epsilon=0.1), F32(*x), *(v.between(0.5, 2) for v in vectors))
        for x in ((4, 3), (2, 3, 5), (2, 3, 4, 5), (1, 3, 2, 2, 2))
        for vectors in ((F32(3),) * 4, (F32(3).fixed(), F32(3), F32(3).fixed(), F32(3)))
    ),
    recurrent(ops.Rnn(activation="tanh"), 1, 1, directions=2, fixed=False),
    # Bits: runs of ones anywhere in a constant, all signs, and both operands computed.
    *(
        case(ops.BitAnd(), make(24).between(-128 if make is not U8 else 0, 127), one(make, n))
        for make, numbers in (
            (I8, (0, 1, 15, 64, 90, -1, -2, -128)),
            (U8, (240, 255)),
            (I32, (255, 65280, -1, -256)),
        )
        for n in numbers
    ),
    *(
        case(op(), given(I32, 8388607, -8388608, 16777215, -16777216, 5592405), one(I32, n))
        for op in (ops.BitAnd, ops.BitOr, ops.BitXor)
        for n in (0, 1, 8388607, -2, 5592405)
    ),
    *(case(op(), one(I8, -107), I8(9).between(-128, 127)) for op in (ops.BitOr, ops.BitXor)),
    *(
        case(op(), I16(5, 1).between(-32768, 32767), b)
        for op in (ops.BitAnd, ops.BitOr, ops.BitXor)
        for b in (I16(7).between(-32768, 32767), I16(7).between(-32768, 32767).fixed())
    ),
    # Masks, as attention has them: what is not chosen leaves nothing behind.
    *(
        case(ops.Where(), condition, *choices)
        for condition in (BOOL(2, 1, 4), BOOL(2, 3, 4), BOOL(4).fixed())
        for number in (-INF, -1e9, -65504.0, 3e38, 0.0)
        for choices in ((F32(2, 3, 4), held(number).fixed()), (held(number).fixed(), F32(3, 1)))
    ),
    case(ops.Where(), BOOL(4), held(0.0).fixed(), held(0.0).fixed()),
    *(
        case(
            ops.Where(),
            replace(BOOL(4), values=(True, False, True, False), const=const),
            held(1.0, np.nan, INF, -INF),
            held(np.nan, 2.0, np.nan, INF),
        )
        for const in (False, True)
    ),
]


STEPS = (
    *("Cast", "Ceil", "Equal", "Floor", "Greater", "GreaterEqual", "Less", "LessEqual"),
    *("NotEqual", "Round", "Sign"),
)
"""Operators made of indicators, in which infinities and what is not a number are lost."""


def _is_held(case: Case) -> bool:
    """Whether sizes are fixed, and blobs of float32 hold all the numbers."""
    if case.sizes != ((),) or not {o.dtype for o in case.operands} <= {DType.F32, *HELD}:
        return False
    arrays = [o.array(case.seed + i, {}) for i, o in enumerate(case.operands)]
    return all(
        np.isfinite(a).all() if a.dtype.kind == "f" else np.abs(a.astype(float)).max() <= LARGEST
        for a in arrays
        if a.size and (a.dtype.kind != "f" or case.name in STEPS)
    )


CASES: list[Case] = [*dict.fromkeys([*filter(_is_held, ALL), *MORE])]

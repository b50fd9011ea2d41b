"""Cases of many axes and of every element type, for operators on elements and places."""

from __future__ import annotations

import math

from mgeconvert.ir import DType, ops
from mgeconvert.ir.dims import symbol
from tests.onnx_backend.case import (
    BOOL,
    F16,
    F32,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    Case,
    case,
    given,
)

ANY = (F16, F32, I8, U8, I16, U16, I32, U32, I64, BOOL)
NUMBERS = (F16, F32, I8, U8, I16, U16, I32, U32, I64)
INTEGERS = (I8, U8, I16, U16, I32, U32, I64)
INF, NAN = math.inf, math.nan
KEPT = symbol("kept")

BROADCAST = [
    *(
        case(op, a(2, 1, 3, 1, 2, 1), b(1, 2, 3, 4, 2, 5).between(1, 3))
        for op, a, b in (
            (ops.Add(), F32, F32),
            (ops.Mul(), F32, F32),
            (ops.Div(), F32, F32),
            (ops.FloorDiv(), I32, I32),
            (ops.Mod(), F32, F32),
            (ops.Fmod(), F32, F32),
            (ops.Less(), F32, F32),
            (ops.Equal(), I64, I64),
            (ops.BitXor(), I32, I32),
            (ops.BitAnd(), I8, I8),
            (ops.ShiftRight(), I32, I32),
            (ops.Atan2(), F32, F32),
            (ops.And(), BOOL, BOOL),
        )
    ),
    case(ops.PRelu(), F32(2, 2, 3, 4, 2, 5), F32(1, 2, 1, 4, 1, 5)),
    case(ops.Add(), F32(2, 3, 4, 5, 6), F32(4, 5, 6)),
    case(ops.Add(), F32(1, 1, 4, 1, 6, 1, 2), F32(2, 3, 1, 5, 1, 2, 1)),
    case(ops.Where(), BOOL(2, 1, 3, 1, 2), F32(1, 2, 3, 4, 2), F32(2)),
    case(ops.Where(), BOOL(5), I64(2, 3, 4, 5, 5), I64(2, 1, 4, 1, 5)),
    case(ops.Pow(), F32(2, 1, 3, 1, 2).between(0.5, 2), F32(1, 2, 1, 4, 1)),
    *(case(ops.Pow(), I64(3, 4), given(I64, n).fixed(), note=str(n)) for n in (0, 1, 2, 5)),
    case(ops.BitAnd(), I64(3, 1).between(-(2**40), 2**40), I64(2, 1, 4).between(-9, 9)),
    case(ops.BitOr(), given(I32, -(2**31), 2**31 - 1, -1, 65536), given(I32, -1, 1, 0, 98304)),
    case(ops.BitAnd(), given(U32, 2**32 - 1, 2**31, 7), given(U32, 2**31 + 5, 2**31, 3)),
    case(ops.ShiftLeft(), given(I8, 1, 1, 3, -1), given(I8, 7, 8, 6, 3)),
    case(ops.ShiftLeft(), given(U32, 1, 2**31, 3), given(U32, 31, 1, 30)),
    case(ops.ShiftLeft(), given(I64, 1, -3, 5), given(I64, 62, 2, 40)),
    case(ops.FloorDiv(), given(F32, 7.0, -7.0, 5.5), given(F32, 2.0, 2.0, -1.5)),
    case(ops.Round(half="away"), given(F32, INF, NAN, 2.5, -2.5, 1e10), note="special"),
]

AXES = [
    *(case(ops.Transpose(perm=(3, 0, 4, 1, 5, 2)), make(2, 3, 1, 2, 3, 2)) for make in ANY),
    case(ops.Transpose(perm=(6, 5, 4, 3, 2, 1, 0)), F32(2, 1, 2, 3, 2, 2, 2)),
    *(
        case(
            ops.Slice(starts=(0, 1, 0, 0, 2, 1), sizes=(2, 1, 2, 1, 1, 2), steps=(1,) * 6),
            make(2, 3, 2, 1, 3, 4),
        )
        for make in ANY
    ),
    case(
        ops.Slice(starts=(1, 0, 2, 0, 3), sizes=(2, 2, 2, 1, 2), steps=(-1, 2, -2, 1, -3)),
        F32(2, 3, 4, 1, 5),
    ),
    *(case(ops.Concat(axis=4), make(1, 2, 1, 2, 3, 2), make(1, 2, 1, 2, 1, 2)) for make in ANY),
    *(case(ops.Split(axis=3, sizes=(1, 2, 1)), make(2, 1, 2, 4, 3)) for make in ANY),
    *(case(ops.Expand(shape=(2, 3, 4, 2, 5, 2)), make(3, 1, 2, 5, 1)) for make in ANY),
    *(case(ops.Tile(repeats=(1, 2, 1, 3, 2, 1)), make(2, 1, 2, 1, 2, 3)) for make in ANY),
    *(
        case(ops.Pad(pads=((0, 1), (0, 0), (2, 0), (1, 1), (0, 0), (0, 2)), value=1.0), make(*six))
        for make in ANY
        for six in [(2, 1, 2, 2, 3, 2)]
    ),
    *(
        case(ops.Pad(pads=((1, 0), (0, 0), (1, 1), (0, 1), (1, 0), (0, 1)), mode=mode), F32(*six))
        for mode in ("reflect", "edge")
        for six in [(2, 1, 2, 2, 3, 2)]
    ),
    *(
        case(op(reduced=(0, 2, 5), keepdims=keep), F32(2, 3, 2, 2, 1, 3))
        for op in (ops.ReduceSum, ops.ReduceMean, ops.ReduceMax, ops.ReduceMin, ops.ReduceProd)
        for keep in (False, True)
    ),
    *(case(ops.ReduceMean(reduced=(0, 1)), make(3, 4).between(0, 100)) for make in INTEGERS),
    *(case(ops.CumSum(axis=2, reverse=True), F32(2, 3, 4, 1, 2)) for _ in [0]),
    *(case(ops.Softmax(axis=a), F32(2, 3, 2, 1, 2)) for a in (0, 2, 4)),
    case(ops.LogSoftmax(axis=1), F32(2, 3, 2, 1, 2)),
]

PLACES = [
    *(case(ops.Gather(axis=3), make(2, 1, 2, 4, 3), I32(2, 2).between(-4, 3)) for make in ANY),
    *(
        case(ops.GatherElements(axis=1), make(2, 4, 3, 1, 2), I64(2, 3, 2, 1, 2).between(-4, 3))
        for make in ANY
    ),
    case(ops.GatherElements(axis=0), F32(5), I32(7).between(-5, 4)),
    case(ops.GatherElements(axis=1), F32(2, 3), given(I64, [0, 2], [1, 1]).fixed()),
    *(
        case(ops.GatherNd(batch_dims=1), make(2, 3, 4, 2), I32(2, 5, 2).between(-3, 2))
        for make in ANY
    ),
    case(ops.GatherNd(), F32(3, 4), given(I64, [-1, -2], [0, -4]).fixed()),
    *(
        case(ops.ScatterNd(), make(4, 3), given(I64, [2, 0], [-1, 1], [2, 0]), make(3))
        for make in ANY
    ),
    *(
        case(ops.ScatterNd(reduction="add"), make(4, 2), given(I64, [2], [-1], [2]), make(3, 2))
        for make in NUMBERS
    ),
    case(ops.ScatterNd(), F32(2, 3, 2), given(I32, [1, 2], [0, 0]).fixed(), F32(2, 2)),
    *(
        case(
            ops.ScatterElements(axis=axis),
            make(3, 4, 2),
            I64(2, 2, 2).between(-2, 1),
            make(2, 2, 2),
        )
        for axis in (0, 1, 2)
        for make in (F32, F16, I8, I64, BOOL)
    ),
    case(ops.ScatterElements(axis=0), F32(4), given(I64, 1, 1, 3, 1), F32(4), note="the last wins"),
    *(
        case(
            ops.ScatterElements(axis=1, reduction="add"),
            make(2, 4),
            I32(2, 5).between(-4, 3),
            make(2, 5),
        )
        for make in NUMBERS
    ),
    *(
        case(ops.OneHot(depth=3, dtype=dtype), I64(2, 2).between(0, 3))
        for dtype in (DType.BOOL, DType.I8, DType.I16, DType.U16, DType.U32, DType.F16, DType.I64)
    ),
]

ORDER = [
    *(
        case(ops.TopK(axis=axis, k=2, largest=largest), make(3, 4, 2))
        for make in ANY
        for axis, largest in ((0, True), (1, False), (2, True))
    ),
    case(ops.TopK(axis=0, k=0), F32(3)),
    case(ops.TopK(axis=0, k=3, largest=False), given(I32, -(2**31), 2**31 - 1, 0), note="limits"),
    case(ops.TopK(axis=1, k=40), F32(2, 40), note="sorts"),
    *(
        case(op(axis=1, keepdims=True), make(2, 5, 2))
        for op in (ops.ArgMax, ops.ArgMin)
        for make in ANY
    ),
    *(
        case(ops.NonMaxSuppression(threshold=t, kept=KEPT), BOXES, given(make, *SCORES))
        for t in (0.0, 0.5, 0.99)
        for make in (F32,)
        for BOXES in [given(F32, *((i // 3, 0, i // 3 + 2, 2 - i % 2) for i in range(9)))]
        for SCORES in [(3, 1, 2, 3, 3, 1, 0, 2, 2)]
    ),
    case(ops.NonZero(count=KEPT), given(BOOL, True, False, True, True)),
    case(ops.NonZero(count=KEPT), given(BOOL, False, False)),
    case(
        ops.NonMaxSuppression(threshold=0.5, kept=KEPT, limit=2),
        given(F16, *((i, 0, i + 2, 2) for i in range(4))),
        F16(4),
    ),
]

CASES: list[Case] = [*BROADCAST, *AXES, *PLACES, *ORDER]

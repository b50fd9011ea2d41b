"""Cases of reductions, orderings and running sums."""

from __future__ import annotations

from mgeconvert.ir import ops
from tests.onnx_backend.case import (
    BOOL,
    F16,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Case,
    case,
    given,
)

FLOATS = (F16, F32, F64)
NUMBERS = (*FLOATS, I8, I16, I32, I64, U8, U16, U32, U64)
REDUCTIONS = (ops.ReduceSum, ops.ReduceMean, ops.ReduceMax, ops.ReduceMin, ops.ReduceProd)

CASES: list[Case] = [
    *(case(op(reduced=(1,)), make(2, 3, 2)) for op in REDUCTIONS for make in NUMBERS),
    *(
        case(op(reduced=reduced, keepdims=keepdims), F32(2, 3, 4))
        for op in REDUCTIONS
        for reduced in ((0, 1, 2), (0, 2), (2,))
        for keepdims in (False, True)
    ),
    *(case(op(reduced=()), F32(2, 3)) for op in REDUCTIONS),
    *(case(op(reduced=(0,)), BOOL(3, 4)) for op in (ops.ReduceMax, ops.ReduceMin)),
    *(case(op(axis=1), make(2, 5)) for op in (ops.ArgMax, ops.ArgMin) for make in NUMBERS),
    *(case(op(axis=0, keepdims=True), F32(3, 4)) for op in (ops.ArgMax, ops.ArgMin)),
    *(case(op(axis=0), given(F32, 1, 3, 3, 1), note="ties") for op in (ops.ArgMax, ops.ArgMin)),
    *(
        case(op(axis=axis), make(2, 3, 4))
        for op in (ops.Softmax, ops.LogSoftmax)
        for axis in (0, 1, 2)
        for make in FLOATS
    ),
    case(ops.Softmax(axis=1), F32(2, 3, 1, 1)),
    case(ops.Softmax(axis=0), given(F32, 1e4, 0.0, -1e4), note="large"),
    *(case(ops.TopK(axis=1, k=3), make(2, 6).between(0, 100)) for make in (*FLOATS, I32, I64)),
    *(case(ops.TopK(axis=1, k=2), make(2, 6).between(0, 100)) for make in (I8, U8, I16, U16)),
    *(
        case(ops.TopK(axis=0, k=2, largest=False), make(5, 2).between(0, 100))
        for make in (*FLOATS, I32, I64, U8)
    ),
    *(
        case(ops.TopK(axis=0, k=4, largest=largest), given(F32, 1, 3, 3, 1, 2, 3), note="ties")
        for largest in (True, False)
    ),
    *(
        case(ops.CumSum(axis=1, exclusive=exclusive, reverse=reverse), F32(2, 5, 3))
        for exclusive in (False, True)
        for reverse in (False, True)
    ),
    *(case(ops.CumSum(axis=1), make(2, 4)) for make in NUMBERS),
    case(ops.CumSum(axis=0), F32(6)),
    case(ops.CumSum(axis=0), given(I8, 100, 100, 100), note="wraps"),
]

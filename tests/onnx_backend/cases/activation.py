"""Cases of activation functions."""

from __future__ import annotations

from mgeconvert.ir import ops
from tests.onnx_backend.case import (
    F16,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U32,
    U64,
    Case,
    case,
    given,
)

INF = float("inf")
FLOATS = (F16, F32, F64)

CASES: list[Case] = [
    *(
        case(
            op,
            make(3, 7).between(-8, 8),
            rtol=None if make is F16 else 1e-5,
            atol=None if make is F16 else 1e-6,
        )
        for op in (
            ops.Relu(),
            ops.LeakyRelu(alpha=0.1),
            ops.Elu(),
            ops.Elu(alpha=0.7),
            ops.Selu(),
            ops.Selu(alpha=1.5, gamma=1.1),
            ops.Sigmoid(),
            ops.LogSigmoid(),
            ops.HardSigmoid(),
            ops.HardSigmoid(alpha=0.2, beta=0.4),
            ops.HardSwish(),
            ops.Silu(),
            ops.Softplus(),
            ops.Softsign(),
            ops.Mish(),
            ops.Erf(),
            ops.Gelu(),
            ops.Gelu(approximate="tanh"),
        )
        for make in FLOATS
    ),
    case(ops.Sigmoid(), given(F32, -100.0, 100.0, INF, -INF)),
    case(ops.Softplus(), given(F32, -100.0, 100.0)),
    case(ops.Gelu(), given(F32, -30.0, 30.0, 0.0, 1e-4)),
    case(ops.Erf(), given(F32, -30.0, 30.0, 0.0, 1e-4), note="ends"),
    *(case(ops.Relu(), make(3, 4)) for make in (I8, I16, I32, I64, U8, U32, U64)),
    *(case(ops.Clip(low=-1.0, high=2.0), make(3, 4)) for make in (*FLOATS, I8, I16, I32, I64)),
    *(case(ops.Clip(low=1.0, high=2.0), make(3, 4)) for make in (U8, U32, U64)),
    case(ops.Clip(low=0.0, high=6.0), F32(2, 3, 4, 4).between(-10, 10)),
    case(ops.Clip(low=-INF, high=1.0), F32(9)),
    case(ops.Clip(low=-1.0, high=INF), F32(9)),
    case(ops.Clip(low=-1e5, high=1.0), I8(9)),
    *(case(ops.PRelu(), make(2, 3, 4, 4), make(3, 1, 1).fixed()) for make in FLOATS),
    case(ops.PRelu(), F32(2, 3, 4, 4), F32(1, 3, 1, 1)),
    case(ops.PRelu(), F32(2, 3), F32(1).fixed()),
    case(ops.PRelu(), F32(2, 3), F32(2, 3)),
    case(ops.PRelu(), I32(2, 3), I32(3)),
]

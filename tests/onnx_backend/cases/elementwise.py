"""Cases of elementwise operators."""

from __future__ import annotations

from mgeconvert.ir import DType, ops
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
    Operand,
    case,
    given,
)

INF, NAN = float("inf"), float("nan")
SIGNED = (I8, I16, I32, I64)
UNSIGNED = (U8, U16, U32, U64)
INTEGERS = (*SIGNED, *UNSIGNED)
FLOATS = (F16, F32, F64)
NUMBERS = (*FLOATS, *INTEGERS)
SPECIAL = given(F32, -INF, -2.5, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.5, INF, NAN)
EXTREMES = given(I64, -(2**63), -(2**32), -5, 0, 3, 2**32, 2**62 + 1, 2**63 - 1)
SHUFFLED = given(I64, 2**63 - 1, -(2**32) - 1, -5, 1, -3, 2**32, 2**62, -(2**63))


def nonzero(operand: Operand) -> Operand:
    return operand.between(1, 3)


UNARY = [
    *(case(op(), make(2, 3)) for op in (ops.Abs, ops.Neg) for make in (*FLOATS, *SIGNED)),
    *(case(ops.Neg(), make(2, 3)) for make in UNSIGNED),
    *(case(ops.Abs(), make(2, 3)) for make in UNSIGNED),
    *(case(ops.Sign(), make(3, 4)) for make in (*FLOATS, *INTEGERS)),
    case(ops.Sign(), given(F32, -INF, -0.5, 0.0, 0.5, INF)),
    *(case(ops.Identity(), make(2, 3)) for make in (F32, I8, BOOL)),
    *(
        case(op(), make(2, 5), rtol=None if make is not F64 else 1e-6)
        for op in (ops.Exp, ops.Expm1, ops.Sin, ops.Cos, ops.Atan, ops.Tanh, ops.Floor, ops.Ceil)
        for make in FLOATS
    ),
    *(
        case(op(), make(2, 5).between(0.1, 4.0))
        for op in (ops.Log, ops.Log1p, ops.Sqrt, ops.Reciprocal)
        for make in FLOATS
    ),
    *(
        case(op(), make(2, 5).between(-0.9, 0.9))
        for op in (ops.Asin, ops.Acos, ops.Atanh, ops.Tan)
        for make in FLOATS
    ),
    *(case(op(), make(7)) for op in (ops.Sinh, ops.Cosh, ops.Asinh) for make in FLOATS),
    *(case(ops.Acosh(), make(7).between(1.5, 40.0)) for make in FLOATS),
    case(ops.Expm1(), given(F32, 1e-7, -1e-7, 3e-5, 80.0, -100.0, 0.0), note="digits", atol=0.0),
    case(ops.Log1p(), given(F32, 1e-7, -1e-7, 3e-5, 1e20, -0.999, 0.0), note="digits", atol=0.0),
    case(ops.Log1p(), given(F32, -1.0, INF, -2.0, NAN), note="special"),
    case(ops.Exp(), SPECIAL),
    case(ops.Not(), BOOL(2, 3)),
    *(case(ops.BitNot(), make(2, 3)) for make in INTEGERS),
    case(ops.IsNan(), SPECIAL),
    case(ops.IsNan(), given(F16, 1.0, NAN, INF)),
    case(ops.IsNan(), given(F64, 1.0, NAN, INF)),
    case(ops.IsInf(), SPECIAL),
    case(ops.IsInf(), given(F16, 1.0, NAN, INF, -INF, 65504.0)),
    case(ops.IsInf(), given(F64, 1.0, NAN, INF, -INF, 1.7e308)),
    *(case(ops.Round(half=half), SPECIAL) for half in ("away", "even")),
    *(case(ops.Round(half=half), make(20)) for half in ("away", "even") for make in FLOATS),
    case(ops.Round(), given(F32, 0.49999997, -0.49999997, 8388609.0, 0.5), note="narrow"),
    case(ops.Round(half="even"), given(F32, 0.49999997, -1e-10, 8388609.0, 0.5), note="narrow"),
]

CASTS = [
    *(
        case(ops.Cast(to=to), make(2, 6), rtol=1e-3, atol=1e-3)
        for make in (F32, F16, I32, BOOL)
        for to in DType
        if not (to.value.startswith("uint") and make is not BOOL)
    ),
    *(case(ops.Cast(to=to), U8(2, 6).between(0, 255)) for to in (DType.F32, DType.I8, DType.BOOL)),
    case(ops.Cast(to=DType.I8), given(I32, 127, 128, -129, 300), note="wraps"),
    case(ops.Cast(to=DType.I32), given(F32, -2.9, -0.5, 0.5, 2.9), note="cuts"),
    case(ops.Cast(to=DType.BOOL), given(F32, 0.0, -0.0, 0.2, NAN), note="nonzero"),
]

BINARY = [
    *(
        case(op(), make(2, 3), make(2, 3))
        for op in (ops.Add, ops.Sub, ops.Mul, ops.Maximum, ops.Minimum)
        for make in NUMBERS
    ),
    *(case(op(), F32(2, 3, 4), F32(3, 1)) for op in (ops.Add, ops.Maximum, ops.Minimum, ops.Pow)),
    *(case(op(), F32(3), F32(2, 1, 1).fixed()) for op in (ops.Sub, ops.Maximum, ops.Atan2)),
    *(case(op(), F32(2, 3), F32().fixed()) for op in (ops.Mul, ops.Minimum, ops.Less, ops.Equal)),
    case(ops.Maximum(), EXTREMES, SHUFFLED),
    case(ops.Minimum(), EXTREMES, SHUFFLED),
    case(ops.Maximum(), given(F32, INF, -INF, 1.0), given(F32, 2.0, 3.0, -INF)),
    *(case(ops.Div(), make(3, 4), nonzero(make(3, 4))) for make in NUMBERS),
    case(ops.Div(), given(I32, 7, -7, 7, -7), given(I32, 2, 2, -2, -2), note="signs"),
    *(case(ops.FloorDiv(), make(3, 4), nonzero(make(4))) for make in NUMBERS),
    *(
        case(op(), given(make, 7, -7, 7, -7, 6, 0), given(make, 2, 2, -2, -2, 3, 5), note="signs")
        for op in (ops.FloorDiv, ops.Mod, ops.Fmod)
        for make in (*SIGNED, *FLOATS)
    ),
    *(
        case(op(), make(3, 4).between(0, 9), nonzero(make(4)))
        for op in (ops.Mod, ops.Fmod)
        for make in UNSIGNED
    ),
    *(case(op(), F32(4, 5).between(-9, 9), F32(5).between(0.3, 2.0)) for op in (ops.Mod, ops.Fmod)),
    *(case(ops.Pow(), make(2, 3).between(0.5, 2.0), make(3)) for make in FLOATS),
    *(case(ops.Pow(), nonzero(make(2, 3)), nonzero(make(3))) for make in (I32, I64, U8, I8)),
    *(case(ops.Atan2(), make(4, 5), make(5)) for make in FLOATS),
    case(
        ops.Atan2(),
        given(F32, 0.0, 0.0, 0.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0),
        given(F32, 0.0, 1.0, -1.0, 0.0, 0.0, 1.0, 1.0, -1.0, -1.0),
        note="axes",
    ),
    *(case(op(), BOOL(2, 3), BOOL(3)) for op in (ops.And, ops.Or, ops.Xor)),
    *(
        case(op(), make(3, 4).between(0 if make in UNSIGNED else -120, 120), make(3, 4))
        for op in (ops.BitAnd, ops.BitOr, ops.BitXor)
        for make in INTEGERS
    ),
    *(
        case(op(), make(3, 4).between(0 if make in UNSIGNED else -100, 100), make(4).between(0, 6))
        for op in (ops.ShiftLeft, ops.ShiftRight)
        for make in INTEGERS
    ),
]

COMPARISONS = [
    *(
        case(op(), make(4, 5), make(5))
        for op in (
            ops.Equal,
            ops.NotEqual,
            ops.Less,
            ops.LessEqual,
            ops.Greater,
            ops.GreaterEqual,
        )
        for make in NUMBERS
    ),
    *(case(op(), BOOL(4, 5), BOOL(5)) for op in (ops.Equal, ops.NotEqual)),
    *(
        case(op(), EXTREMES, SHUFFLED)
        for op in (ops.Equal, ops.Less, ops.LessEqual, ops.Greater, ops.GreaterEqual)
    ),
    *(
        case(op(), SPECIAL, given(F32, 1, INF, -1.5, -1, NAN, 0, 1, 1, 1, 2.5, INF, NAN))
        for op in (ops.Equal, ops.NotEqual, ops.Less, ops.LessEqual, ops.Greater, ops.GreaterEqual)
    ),
    *(case(ops.Where(), BOOL(2, 3), make(2, 3), make(2, 3)) for make in (*NUMBERS, BOOL)),
    case(ops.Where(), BOOL(2, 1, 3), F32(4, 1), F32().fixed()),
    case(ops.Where(), BOOL(4, 1), I32(3), I32(4, 3)),
    case(ops.Where(), BOOL(3), F32(2, 3).fixed(), F32(2, 3)),
    case(
        ops.Where(),
        given(BOOL, True, False, True, False),
        given(F32, INF, INF, -INF, 1.0),
        given(F32, -INF, 3.0, INF, -INF),
        note="infinite",
    ),
]

CASES: list[Case] = [*UNARY, *CASTS, *BINARY, *COMPARISONS]

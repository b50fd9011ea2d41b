"""Modules that stand for functions, and what does nothing in inference."""

from __future__ import annotations

from tests.cases.case import Case, case, f16, f32, i32

X = f32(2, 3)
POSITIVE = f32(2, 3, low=0.2, high=0.9)
UNARY = (
    *("ABS", "ACOS", "ASIN", "CEIL", "COS", "EXP", "EXPM1", "FLOOR", "LOG", "LOG1P", "NEGATE"),
    *("SIGMOID", "SIN", "TANH", "FAST_TANH", "ROUND", "ERF", "ERFC", "H_SWISH", "RELU", "SILU"),
    *("GELU", "SQRT", "SQUARE", "SIGN", "HSIGMOID", "RELU6", "SOFTPLUS", "LOGSIGMOID"),
)
BINARY = (
    *("ADD", "FLOOR_DIV", "MAX", "MIN", "MOD", "MUL", "POW", "SUB", "TRUE_DIV", "LOG_SUM_EXP"),
    *("LT", "LEQ", "EQ", "ATAN2", "SWITCH_GT0", "PRELU"),
    *("FUSE_ADD_RELU", "FUSE_ADD_SIGMOID", "FUSE_ADD_TANH", "FUSE_ADD_H_SWISH"),
)
TERNARY = ("COND_LEQ_MOV", "FUSE_MUL_ADD3")

CASES: list[Case] = [
    *(case("m(x)", x=POSITIVE, m=f"M.Elemwise('{mode}')", rtol=1e-4) for mode in UNARY),
    *(case("m(x, y)", x=POSITIVE, y=X, m=f"M.Elemwise('{mode}')", rtol=1e-4) for mode in BINARY),
    *(case("m(x, y, z)", x=X, y=X, z=f32(3), m=f"M.Elemwise('{mode}')") for mode in TERNARY),
    case("m(x, y, z, y)", x=X, y=X, z=X, m="M.Elemwise('FUSE_MUL_ADD4')"),
    case("m(x, y)", x=f32(1, 3), y=f32(1, 3), m="M.Elemwise('add')", dynamic=True),
    *(
        case("m(x)", x=X, m=f"M.{name}", dynamic=True)
        for name in ("Identity()", "Dropout(0.3)", "QuantStub()", "DequantStub()")
    ),
    case("F.dropout(x, 0.5, False)", x=X),
    case("F.dropout(x, 0.0)", x=X),
    case("m([x, y])", x=X, y=X, m="M.Concat()"),
    case("m([x, y], 1)", x=f32(1, 3), y=f32(1, 2), m="M.Concat()", dynamic=True),
    *(
        case("m(x)", x=i32(*shape, low=0, high=5), m="M.Embedding(6, 4)", dynamic=True)
        for shape in ((3,), (2, 3), (2, 1, 3))
    ),
    case("F.embedding(x, w)", x=i32(2, 3, low=0, high=4), w=f32(5, 3)),
    case("F.embedding(x, w)", x=i32(2, 3, low=0, high=4), w=f16(5, 3)),
]

"""Linear layers."""

from __future__ import annotations

from tests.cases.case import Case, case, f16, f32

ROWS = f32(3, 4)
CLOSE = {"rtol": 1e-4, "atol": 1e-5}

CASES: list[Case] = [
    *(
        case("m(x)", x=data, m=f"M.{name}(4, 5{bias})", dynamic=True, **CLOSE)
        for name in ("Linear", "LinearRelu")
        for bias in ("", ", bias=False")
        for data in (ROWS, f32(2, 3, 4), f32(2, 3, 2, 4))
    ),
    case("m(x)", x=f32(4), m="M.Linear(4, 5)", **CLOSE),
    *(
        case("m(x)", x=ROWS, m=f"M.{name}(4, 5{setting})", dynamic=True, **CLOSE)
        for name in ("LinearBn1d", "LinearBnRelu1d")
        for setting in ("", ", bias=False", ", affine=False", ", eps=0.1")
    ),
    *(
        case("m(x)", x=f32(3, 5, 6), m=f"M.BatchMatMulActivation(3, 5, 4{setting})", **CLOSE)
        for setting in (", bias=False", ", bias=False, nonlinear_mode='relu'")
    ),
    *(
        case("m(x)", x=f32(3, 5, 4), m=f"M.BatchMatMulActivation(3, 5, 4{setting})", **CLOSE)
        for setting in ("", ", nonlinear_mode='relu'")
    ),
    case("F.linear(x, w)", x=ROWS, w=f32(5, 4), **CLOSE),
    case("F.linear(x, w, b)", x=ROWS, w=f32(5, 4), b=f32(5), **CLOSE),
    case("F.linear(x, w, b)", x=f32(2, 3, 4), w=f32(5, 4), b=f32(5), dynamic=False, **CLOSE),
    case("F.linear(x, w, b)", x=ROWS, w=f32(5, 4), b=f32(1), **CLOSE),
    case("F.linear(x, w, b)", x=ROWS, w=f32(5, 4), b=f32(3, 5), **CLOSE),
    case("F.linear(x, w)", x=f32(2, 3, 4), w=f32(2, 5, 4), **CLOSE),
    case("F.linear(x, w)", x=f16(3, 4), w=f16(5, 4), rtol=1e-2, atol=1e-2),
    case("F.linear(x, w)", x=f16(3, 4), w=f32(5, 4), rtol=1e-2, atol=1e-2),
]

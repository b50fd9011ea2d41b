"""Elementwise functions and operators."""

from __future__ import annotations

from tests.cases.case import Case, b8, case, f16, f32, i32, u8

X = f32(2, 3)
POSITIVE = f32(2, 3, low=0.1, high=3)

CASES: list[Case] = [
    case("F.exp(x)", x=X),
    case("F.log(x)", x=POSITIVE),
    case("F.tanh(x)", x=f16(2, 3), rtol=1e-2, atol=1e-3),
    case("F.exp(x)", x=i32(2, 3)),
    case("x + y", x=X, y=f32(3)),
    case("x + 1", x=i32(4)),
    case("x + 1.5", x=i32(4)),
    case("1.5 - x", x=u8(4)),
    case("x + y", x=b8(3), y=i32(3)),
    case(
        "F.relu(m(x)).reshape(x.shape[0], -1)",
        x=f32(1, 4, 5, 5),
        m="M.Conv2d(4, 6, 3)",
        dynamic=True,
    ),
    case(
        "m(x)", x=f32(2, 4, 5, 5), m="M.Conv2d(4, 6, 3, padding=1, stride=2, groups=2)", atol=1e-4
    ),
    case("b(m(x))", x=f32(2, 4, 5, 5), m="M.Conv2d(4, 6, 3)", b="M.BatchNorm2d(6)", atol=1e-4),
]

"""Activation functions and softmax."""

from __future__ import annotations

from tests.cases.case import Case, case, f16, f32, i32, u8

X = f32(2, 3)
WIDE = f32(4, 6, low=-8, high=8)
CUBE = f32(2, 3, 4)
IMAGE = f32(2, 3, 4, 5)
HALF = {"rtol": 1e-2, "atol": 2e-3}
FUNCTIONS = (
    "relu",
    "relu6",
    "sigmoid",
    "nn.hsigmoid",
    "nn.hswish",
    "silu",
    "gelu",
    "softplus",
    "logsigmoid",
)
OF_INTEGERS = ("relu", "relu6", "nn.hsigmoid", "softplus", "logsigmoid")

ELEMENTWISE: list[Case] = [
    *(case(f"F.{name}(x)", x=WIDE, dynamic=True) for name in FUNCTIONS),
    *(case(f"F.{name}(x)", x=f32(2, 3, low=-100, high=100)) for name in FUNCTIONS),
    *(case(f"F.{name}(x)", x=f16(2, 3), **HALF) for name in FUNCTIONS),
    *(case(f"F.{name}(x)", x=i32(2, 3)) for name in OF_INTEGERS),
    *(case(f"F.{name}(x)", x=u8(2, 3, high=10)) for name in OF_INTEGERS),
    *(
        case("m(x)", x=IMAGE, m=f"M.{name}()", dynamic=True)
        for name in ("ReLU", "Sigmoid", "SiLU", "GELU", "LeakyReLU", "PReLU")
    ),
    case("m(x)", x=X, m="M.LeakyReLU(0.3)"),
    case("m(x)", x=IMAGE, m="M.PReLU(3)", dynamic=True),
    case("m(x)", x=X, m="M.PReLU(init=0.1)"),
    case("F.leaky_relu(x)", x=X, dynamic=True),
    case("F.leaky_relu(x, 0.2)", x=X),
    case("F.leaky_relu(x, y)", x=X, y=f32(3)),
    case("F.leaky_relu(x, 0.2)", x=i32(2, 3)),
    case("F.leaky_relu(x, 0.2)", x=f16(2, 3), **HALF),
    case("F.prelu(x, y)", x=X, y=f32(1)),
    case("F.prelu(x, y)", x=IMAGE, y=f32(1, 3, 1, 1)),
    case("F.prelu(x, y)", x=f32(3), y=f32(2, 1)),
    case("F.prelu(x, y)", x=i32(2, 3), y=f32(3)),
    case("F.prelu(x, y)", x=f16(2, 3), y=f32(3), **HALF),
    case("F.prelu(x, y)", x=f16(2, 3), y=f16(3), **HALF),
]

SOFTMAX: list[Case] = [
    *(
        case(f"F.{name}", x=data, dynamic=data.shape[0] == 2)
        for data in (f32(5), X, CUBE, IMAGE, f32(2, 2, 2, 2, 3))
        for name in ("softmax(x)", "softmax(x, -1)", "softmax(x, 0)", "logsoftmax(x, -1)")
    ),
    *(case("m(x)", x=data, m="M.Softmax()") for data in (X, CUBE, IMAGE)),
    case("m(x)", x=CUBE, m="M.Softmax(1)", dynamic=True),
    case("m(x)", x=CUBE, m="M.Softmax(axis=-1)", dynamic=True),
    *(
        case(f"F.{name}", x=CUBE, dynamic=True)
        for name in (
            "softmax(x, [1, 2])",
            "softmax(x, 1)",
            "logsoftmax(x, 1)",
            "logsoftmax(x, [1, -1])",
            "logsoftmax(x, (1, 2))",
            "logsumexp(x, 1)",
            "logsumexp(x, -1, keepdims=True)",
            "logsumexp(x, (1, 2))",
            "logsumexp(x, [1, 2], True)",
        )
    ),
    case("F.logsumexp(x, 0)", x=f32(1, 3)),
    case("F.logsumexp(x, 2)", x=f32(2, 1, 3)),
    case("F.logsumexp(x, 0)", x=i32(4)),
    case("F.softmax(x * 50)", x=X),
    case("F.softmax(x)", x=f16(2, 3), **HALF),
    case("F.logsoftmax(x, 1)", x=f16(2, 3), **HALF),
    case("F.logsoftmax(x, 1)", x=i32(2, 3)),
]

CASES = [*ELEMENTWISE, *SOFTMAX]

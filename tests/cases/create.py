"""Tensors made of numbers."""

from __future__ import annotations

from tests.cases.case import Case, b8, case, f16, f32, i32, u8

X = f32(2, 3)
TYPES = ("float32", "float16", "int32", "int16", "int8", "uint8")

CASES: list[Case] = [
    *(
        case(f"x + {text}", x=f32(1))
        for text in (
            "F.zeros(3)",
            "F.zeros((2, 3))",
            "F.ones([2, 3])",
            "F.ones(4)",
            "F.full((2, 3), 2)",
            "F.full((2, 3), 0.5)",
            "F.full(3, 7)",
            "F.full((), 2.5)",
            "F.arange(5)",
            "F.arange(1, 4)",
            "F.arange(0, 10, 3)",
            "F.arange(5, 0, -2)",
            "F.arange(0, 1, 0.25)",
            "F.arange(0.5, 3)",
            "F.linspace(0, 1, 5)",
            "F.linspace(3, 10, 4)",
            "F.linspace(1, -1, 3)",
            "F.linspace(0, 1, 1)",
            "F.eye(3)",
            "F.eye(2, 4)",
            "F.eye(4, 2)",
            "F.eye(3, dtype='int32')",
            "mge.Tensor([1.0, 2.0])",
            "mge.Tensor(3)",
            "np.ones((2, 2), 'float32')",
        )
    ),
    *(
        case(f"F.{text}, dtype='{name}') + x", x=f32(1))
        for name in TYPES
        for text in (
            "zeros((2, 2)",
            "ones((2, 2)",
            "full((2, 2), 3",
            "arange(4",
            "eye(3",
            "linspace(0, 4, 5",
        )
    ),
    *(
        case(f"F.{text} * x.astype('int32')", x=i32(3))
        for text in (
            "full((3,), 2)",
            "full((3,), 2.5)",
            "full((3,), True)",
            "zeros(3, dtype='int32')",
        )
    ),
    *(
        case(f"F.{text}", x=data)
        for text in ("zeros_like(x)", "ones_like(x)", "full_like(x, 2)")
        for data in (X, f16(2, 3), i32(2, 3), u8(2, 3))
    ),
    case("F.full_like(x, 1.5)", x=i32(2, 3)),
    case("F.zeros_like(x)", x=b8(2, 3)),
    case("F.full(x.shape, 2)", x=X),
]

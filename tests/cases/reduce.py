"""Reductions, order, accumulation, norms and products."""

from __future__ import annotations

from tests.cases.case import Case, b8, case, f16, f32, i8, i16, i32, u8

X = f32(2, 3, 4)
HALF = {"rtol": 2e-2, "atol": 2e-3}
AXES = (
    "",
    "1",
    "-1",
    "(0, 2)",
    "[1]",
    "[-2, -1]",
    "1, keepdims=True",
    "(0, -1), keepdims=True",
    "axis=0",
    "(0, 1, 2)",
)
EVERY = ("sum", "prod", "mean", "max", "min", "var", "std")
METHODS = ("sum", "prod", "mean", "max", "min")
KINDS = (f16(2, 3), i8(2, 3, low=-3, high=3), i16(2, 3), i32(2, 3), u8(2, 3, high=3), b8(2, 3))

REDUCTIONS: list[Case] = [
    *(
        case(f"F.{name}({', '.join(filter(None, ('x', axes)))})", x=X)
        for name in EVERY
        for axes in AXES
    ),
    *(case(f"x.{name}({axes})", x=X) for name in METHODS for axes in AXES),
    *(
        case(f"F.{name}(x, 1)", x=data, **(HALF if data.dtype == "float16" else {}))
        for name in EVERY
        for data in KINDS
    ),
    *(
        case(f"F.{name}(x)", x=data, **(HALF if data.dtype == "float16" else {}))
        for name in EVERY
        for data in KINDS
    ),
    *(case(f"F.{name}(x)", x=f32()) for name in METHODS),
    *(case(f"F.{name}(x, (1, 2))", x=f32(1, 3, 4), dynamic=True) for name in EVERY),
    *(case(f"F.{name}(x, 0)", x=f32(1, 3), dynamic=True) for name in EVERY),
    case("x.mean([2, 3])", x=f32(1, 3, 4, 4), dynamic=True),
    case("F.sum(x, 1)", x=u8(2, 4, low=200, high=255)),
    case("F.sum(x > 0)", x=X),
]

INDICES: list[Case] = [
    *(
        case(f"F.{name}({', '.join(filter(None, ('x', axes)))})", x=X)
        for name in ("argmax", "argmin")
        for axes in ("", "0", "-1", "1, keepdims=True", "axis=2")
    ),
    *(
        case(f"F.{name}(x, 1)", x=data)
        for name in ("argmax", "argmin")
        for data in (f16(2, 5), i32(2, 5), i8(2, 5), i16(2, 5), u8(2, 5))
    ),
    *(case(f"F.{name}(x, 1)", x=i32(2, 9, low=0, high=2)) for name in ("argmax", "argmin")),
    *(case(f"F.{name}(x, 1)", x=f32(1, 7), dynamic=True) for name in ("argmax", "argmin")),
]

ORDER: list[Case] = [
    *(
        case(f"F.{name}(x{more})", x=data)
        for name in ("sort", "argsort")
        for more in ("", ", descending=True", ", True", ", False")
        for data in (f32(3, 7), f32(7))
    ),
    *(case(f"F.{name}(x)", x=f32(1, 7), dynamic=True) for name in ("sort", "argsort")),
    case("F.sort(x)[0]", x=i32(2, 5)),
    *(
        case(f"F.topk(x, {more})", x=data)
        for more in ("3", "3, descending=True", "2, True", "3, False, False, False", "1")
        for data in (f32(2, 6), f32(6))
    ),
    case("F.topk(x, 3, no_sort=False)[1]", x=f32(2, 6)),
    case("F.topk(x, 2, kth_only=True)", x=f32(2, 6)),
    case("F.topk(x, 2, kth_only=True)", x=f32(6)),
    case("F.topk(x, 3, True)", x=f32(1, 6), dynamic=True),
    case("F.sort(F.topk(x, 3, no_sort=True)[0])[0]", x=f32(2, 6)),
    *(case(f"F.cumsum(x, {axis})", x=X) for axis in (0, 1, -1)),
    *(
        case("F.cumsum(x, 1)", x=data)
        for data in (i32(2, 3), i8(2, 3, low=-3, high=3), u8(2, 3), i16(2, 3))
    ),
    case("F.cumsum(x, 1)", x=f16(2, 3), **HALF),
    case("F.cumsum(x, 0)", x=f32(1, 3), dynamic=True),
]

NORMS: list[Case] = [
    *(
        case(f"F.norm(x, {more})", x=X, rtol=1e-4)
        for more in (
            "axis=1",
            "2, 2",
            "1, axis=0",
            "3, axis=-1, keepdims=True",
            "0, axis=1",
            "0.5, axis=1",
            "ord=None, axis=1",
        )
    ),
    *(
        case(f"F.norm(x{more})", x=f32(5), rtol=1e-4)
        for more in ("", ", 1", ", math.inf", ", -math.inf", ", 0", ", ord=2")
    ),
    case("F.norm(x, math.inf, axis=1)", x=X),
    case("F.norm(x, axis=1)", x=i32(2, 3)),
    case("F.norm(x, axis=1)", x=f16(2, 3), **HALF),
    *(
        case(f"F.normalize(x, {more})", x=X, rtol=1e-4)
        for more in ("axis=1", "2, -1", "1, axis=0", "axis=2, eps=0.1")
    ),
    case("F.normalize(x)", x=f32(5), rtol=1e-4),
    case("F.normalize(x, axis=1)", x=f32(1, 6), dynamic=True, rtol=1e-4),
    *(
        case(f"F.logsumexp(x, {more})", x=X)
        for more in ("1", "-1", "(0, 2)", "2, True", "1, keepdims=True")
    ),
    *(
        case(f"F.{name}(x, {axis})", x=X)
        for name in ("softmax", "logsoftmax")
        for axis in (0, 1, -1)
    ),
    case("F.softmax(x)", x=f32(2, 3)),
    case("F.softmax(x)", x=f32(2, 3, 4)),
    case("F.softmax(x)", x=f32(2, 3, 4, 2)),
    case("F.softmax(x)", x=f32(3)),
    case("F.softmax(x, 1)", x=f16(2, 3), **HALF),
    *(case(f"F.{name}(x, -1)", x=f32(1, 3), dynamic=True) for name in ("softmax", "logsoftmax")),
]

PRODUCTS: list[Case] = [
    *(
        case("F.matmul(x, y)", x=f32(*a), y=f32(*b))
        for a, b in (
            ((3,), (3,)),
            ((2, 3), (3,)),
            ((3,), (3, 4)),
            ((2, 3), (3, 4)),
            ((5, 2, 3), (3, 4)),
            ((2, 3), (5, 3, 4)),
            ((5, 2, 3), (5, 3, 4)),
            ((6, 5, 2, 3), (3, 4)),
            ((6, 5, 2, 3), (5, 3, 4)),
            ((6, 5, 2, 3), (6, 5, 3, 4)),
            ((5, 2, 3), (3,)),
            ((3,), (5, 3, 4)),
        )
    ),
    *(
        case(f"F.matmul(x, y, {flags})", x=f32(*a), y=f32(*b))
        for flags, a, b in (
            ("transpose_a=True", (3, 2), (3, 4)),
            ("transpose_b=True", (2, 3), (4, 3)),
            ("True, True", (3, 2), (4, 3)),
            ("False, True", (5, 2, 3), (4, 3)),
            ("True", (5, 3, 2), (5, 3, 4)),
            ("transpose_b=True", (2, 5, 2, 3), (2, 5, 4, 3)),
            ("False, True, 'default'", (5, 2, 3), (5, 4, 3)),
            ("transpose_b=True", (3,), (4, 3)),
            ("transpose_a=True", (3, 2), (3,)),
        )
    ),
    case("x @ y", x=f32(2, 3), y=f32(3, 4)),
    case("x @ w", x=f32(1, 3), w="mge.Parameter(np.ones((3, 4), 'float32'))", dynamic=True),
    case("x @ x.transpose(0, 2, 1)", x=f32(1, 3, 4), dynamic=True, atol=1e-4),
    case("x.__rmatmul__(y)", x=f32(3, 4), y=f32(2, 3)),
    case("x.__imatmul__(y)", x=f32(2, 3), y=f32(3, 3)),
    case("F.matmul(x, y)", x=f16(2, 3), y=f16(3, 4), **HALF),
    case("F.matmul(x, y)", x=i8(2, 3), y=i8(3, 4)),
    case("F.matmul(x, y)", x=f32(2, 3), y=i32(3, 4)),
    case("F.dot(x, y)", x=f32(4), y=f32(4)),
    case("F.dot(x, y)", x=f16(4), y=f16(4), **HALF),
    case("F.dot(x, y)", x=f32(), y=f32()),
    case("F.dot(x, y)", x=i32(4), y=i32(4)),
    case(
        "F.matinv(x + w)",
        x=f32(3, 3, low=-0.2, high=0.2),
        w="mge.Tensor(np.eye(3, dtype='float32'))",
    ),
    case("F.svd(x)", x=f32(3, 3)),
]

CASES = [*REDUCTIONS, *INDICES, *ORDER, *NORMS, *PRODUCTS]

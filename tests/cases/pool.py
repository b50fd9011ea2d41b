"""Pooling."""

from __future__ import annotations

from tests.cases.case import Case, case, f16, f32, i8

IMAGE = f32(2, 3, 7, 10)
WINDOWS = (
    "2",
    "3, 2, 1",
    "(2, 3)",
    "(3, 2), (2, 3), (1, 0)",
    "3, 1",
    "3, 5",
    "5, 2, 2",
    "(7, 10)",
)
MODES = ("average", "average_count_exclude_padding")
SIZES = ("1", "(1, 1)", "2", "(2, 3)", "(3, 4)", "(5, 7)", "(7, 10)", "(4, 6)", "(1, 5)")

CASES: list[Case] = [
    *(case(f"F.max_pool2d(x, {w})", x=IMAGE, dynamic=True) for w in WINDOWS),
    *(case("m(x)", x=IMAGE, m=f"M.MaxPool2d({w})", dynamic=True) for w in WINDOWS),
    case("F.max_pool2d(x, kernel_size=3, padding=1)", x=IMAGE, dynamic=True),
    case("F.max_pool2d(x, [2, 3], [1, 2])", x=IMAGE),
    *(
        case(f"F.avg_pool2d(x, {w}, mode='{mode}')", x=IMAGE, dynamic=True)
        for w in WINDOWS
        for mode in MODES
    ),
    *(
        case("m(x)", x=IMAGE, m=f"M.AvgPool2d({w}, mode='{mode}')", dynamic=True)
        for w in WINDOWS
        for mode in MODES
    ),
    case("F.avg_pool2d(x, 2)", x=IMAGE),
    case("m(x)", x=IMAGE, m="M.AvgPool2d(3, padding=1)"),
    case("F.avg_pool2d(x, 2, mode='max')", x=IMAGE),
    *(
        case(f"F.adaptive_{kind}_pool2d(x, {size})", x=IMAGE, dynamic=True)
        for kind in ("max", "avg")
        for size in SIZES
    ),
    *(
        case("m(x)", x=IMAGE, m=f"M.Adaptive{kind}Pool2d({size})", dynamic=True)
        for kind in ("Max", "Avg")
        for size in SIZES
    ),
    case("F.adaptive_avg_pool2d(x, y.shape[2:])", x=IMAGE, y=f32(1, 1, 3, 2)),
    *(
        case(f"F.{name}", x=f16(2, 3, 6, 6), rtol=1e-2, atol=1e-2)
        for name in (
            "max_pool2d(x, 3)",
            "avg_pool2d(x, 3, 2, 1)",
            "adaptive_avg_pool2d(x, 1)",
            "adaptive_max_pool2d(x, 2)",
        )
    ),
    case("F.max_pool2d(x, 2)", x=i8(2, 3, 6, 6)),
]

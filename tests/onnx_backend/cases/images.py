"""Cases of pooling, normalisation and resampling."""

from __future__ import annotations

from mgeconvert.ir import ops
from tests.onnx_backend.case import F16, F32, F64, I8, I16, I32, I64, U8, Case, Operand, case

FLOATS = (F16, F32, F64)
NONE, SAME = (0, 0), (1, 1)


def pools(**window: object) -> list[ops.MaxPool | ops.AvgPool]:
    return [
        ops.MaxPool(**window),  # type: ignore[arg-type]
        ops.AvgPool(**window),  # type: ignore[arg-type]
        ops.AvgPool(**window, count_padding=True),  # type: ignore[arg-type]
    ]


WINDOWS: list[tuple[Operand, dict[str, object]]] = [
    (F32(1, 2, 6, 5), {"kernel": (2, 2), "stride": (2, 2), "padding": (NONE, NONE)}),
    (F32(1, 2, 6, 5), {"kernel": (3, 2), "stride": (2, 1), "padding": (SAME, (0, 1))}),
    (F32(1, 2, 6, 5), {"kernel": (3, 2), "stride": (2, 1), "padding": (SAME, NONE)}),
    (
        F32(1, 2, 6, 5),
        {"kernel": (2, 2), "stride": (2, 2), "padding": (NONE, NONE), "ceil_mode": True},
    ),
    (
        F32(1, 2, 6, 5),
        {"kernel": (3, 3), "stride": (2, 2), "padding": (SAME, SAME), "ceil_mode": True},
    ),
    (
        F32(1, 2, 7, 6),
        {"kernel": (3, 3), "stride": (2, 3), "padding": (SAME, (0, 1)), "ceil_mode": True},
    ),
    (
        F32(1, 2, 5, 5),
        {"kernel": (2, 2), "stride": (3, 3), "padding": (SAME, SAME), "ceil_mode": True},
    ),
    (F32(1, 2, 7), {"kernel": (3,), "stride": (2,), "padding": (SAME,), "ceil_mode": True}),
    (F32(1, 2, 4, 5, 6), {"kernel": (2, 2, 2), "stride": (2, 2, 2), "padding": (NONE, SAME, NONE)}),
]

POOLING = [
    *(case(op, x) for x, window in WINDOWS for op in pools(**window)),
    *(
        case(op, m(1, 2, 4, 4))
        for m in (F16, F64)
        for op in pools(kernel=(2, 2), stride=(2, 2), padding=(NONE, NONE))
    ),
    *(
        case(ops.MaxPool(kernel=(3, 3), stride=(2, 2), padding=(SAME, SAME)), m(1, 2, 4, 4))
        for m in (I8, U8, I16, I32)
    ),
    case(ops.MaxPool(kernel=(2, 2), stride=(2, 2), padding=(NONE, NONE)), I64(1, 2, 4, 4)),
]

NORMS = [
    *(
        case(
            ops.BatchNorm(epsilon=1e-3),
            m(2, 3, 4, 4),
            m(3),
            m(3),
            m(3),
            m(3).between(0.5, 2.0),
            note="live",
            atol=1e-2 if m is F16 else 1e-5,
        )
        for m in FLOATS
    ),
    case(
        ops.BatchNorm(epsilon=1e-3),
        F32(4, 3),
        F32(3).fixed(),
        F32(3).fixed(),
        F32(3).fixed(),
        F32(3).between(0.5, 2.0).fixed(),
        atol=1e-5,
    ),
    case(
        ops.BatchNorm(epsilon=1e-3),
        F32(2, 3, 5),
        F32(3).fixed(),
        F32(3).fixed(),
        F32(3).fixed(),
        F32(3).between(0.5, 2.0).fixed(),
        atol=1e-5,
    ),
    *(
        case(
            ops.LayerNorm(axis=2, epsilon=1e-5),
            m(2, 3, 8),
            m(8).fixed(),
            m(8).fixed(),
            atol=1e-2 if m is F16 else 1e-5,
        )
        for m in FLOATS
    ),
    case(
        ops.LayerNorm(axis=1, epsilon=1e-5),
        F32(2, 3, 4),
        F32(3, 4).fixed(),
        F32(3, 4).fixed(),
        atol=1e-5,
    ),
    case(ops.LayerNorm(axis=1, epsilon=1e-5), F32(2, 3, 4), F32(3, 4).fixed(), atol=1e-5),
    case(ops.LayerNorm(axis=1, epsilon=1e-5), F32(2, 6), atol=1e-5),
    case(ops.LayerNorm(axis=1, epsilon=1e-5), F32(2, 1), F32(1).fixed(), F32(1).fixed()),
    case(ops.LayerNorm(axis=2, epsilon=1e-5), F32(2, 3, 1)),
    *(
        case(
            ops.GroupNorm(groups=2, epsilon=1e-5),
            m(2, 4, 3, 3),
            m(4).fixed(),
            m(4).fixed(),
            atol=1e-2 if m is F16 else 1e-5,
        )
        for m in FLOATS
    ),
    case(
        ops.GroupNorm(groups=4, epsilon=1e-5),
        F32(2, 4, 3, 3),
        F32(4).fixed(),
        F32(4).fixed(),
        atol=1e-5,
    ),
    case(ops.GroupNorm(groups=4, epsilon=1e-5), F32(2, 4, 5), atol=1e-5),
    case(ops.GroupNorm(groups=1, epsilon=1e-5), F32(2, 4, 3, 3), F32(4).fixed(), atol=1e-5),
    case(ops.GroupNorm(groups=2, epsilon=1e-5), F32(2, 4, 3, 3), atol=1e-5),
    *(
        case(ops.LocalResponseNorm(size=5, alpha=1e-2, beta=0.75, k=2.0), m(1, 7, 3, 3))
        for m in FLOATS
    ),
    case(ops.LocalResponseNorm(size=4, alpha=1e-1, beta=0.5, k=1.0), F32(1, 6, 3, 3)),
    case(ops.LocalResponseNorm(size=3, alpha=1e-1, beta=0.5, k=1.0), F32(1, 6, 5)),
]

RESAMPLING = [
    *(
        case(ops.Resize(size=size, mode=mode, coordinates=coordinates), F32(1, 2, 4, 5), atol=1e-5)
        for size in ((8, 10), (7, 11), (3, 2), (1, 1), (4, 5))
        for mode in ("nearest", "linear", "cubic")
        for coordinates in ("half_pixel", "align_corners", "asymmetric")
    ),
    *(
        case(ops.Resize(size=(n,) * 2, mode="nearest", coordinates=coordinates), F32(1, 1, m, m))
        for n, m in ((9, 3), (10, 6), (21, 7), (41, 49), (29, 31), (13, 39), (100, 23))
        for coordinates in ("half_pixel", "align_corners", "asymmetric")
    ),
    case(ops.Resize(size=(8, 10), mode="cubic", cubic_a=-0.5), F32(1, 2, 4, 5), atol=1e-5),
    case(ops.Resize(size=(9, 11), mode="linear", scale=(2.25, 2.25)), F32(1, 2, 4, 5), atol=1e-5),
    case(ops.Resize(size=(5, 6), mode="linear", scale=(1.3, 1.3)), F32(1, 2, 4, 5), atol=1e-5),
    case(ops.Resize(size=(5, 6), mode="nearest", scale=(1.3, 1.3)), F32(1, 2, 4, 5)),
    case(ops.Resize(size=(8, 10), mode="nearest", scale=(2.0, 2.0)), F32(1, 2, 4, 5)),
    *(
        case(ops.Resize(size=(8,), mode=mode), F32(1, 2, 5), atol=1e-5)
        for mode in ("nearest", "linear", "cubic")
    ),
    *(
        case(ops.Resize(size=(4, 6, 3), mode=mode), F32(1, 2, 3, 3, 3), atol=1e-5)
        for mode in ("nearest", "linear", "cubic")
    ),
    *(
        case(ops.Resize(size=(8, 9), mode="nearest"), m(1, 2, 4, 5))
        for m in (F16, F64, I8, U8, I16, I32, I64)
    ),
    *(
        case(ops.Resize(size=(8, 9), mode="linear"), m(1, 2, 4, 5), atol=5e-3 if m is F16 else 1e-5)
        for m in (F16, F64)
    ),
    case(ops.Resize(size=(8, 10), mode="linear"), U8(1, 2, 4, 5).between(0, 255)),
]

CASES: list[Case] = [*POOLING, *NORMS, *RESAMPLING]

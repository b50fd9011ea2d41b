"""Cases of convolutions and matrix products."""

from __future__ import annotations

from collections.abc import Sequence

from mgeconvert.ir import ops
from tests.onnx_backend.case import F16, F32, F64, I8, I16, I32, I64, U8, U32, Case, case

FLOATS = (F16, F32, F64)


def conv(
    stride: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int] | None = None,
    groups: int = 1,
) -> ops.Conv:
    return ops.Conv(
        stride=tuple(stride),
        padding=tuple(padding),
        dilation=tuple(dilation or (1,) * len(stride)),
        groups=groups,
    )


def transposed(
    stride: Sequence[int],
    padding: Sequence[tuple[int, int]],
    extra: Sequence[int],
    dilation: Sequence[int] | None = None,
    groups: int = 1,
) -> ops.ConvTranspose:
    return ops.ConvTranspose(
        stride=tuple(stride),
        padding=tuple(padding),
        output_padding=tuple(extra),
        dilation=tuple(dilation or (1,) * len(stride)),
        groups=groups,
    )


NONE, SAME = (0, 0), (1, 1)

CONVOLUTIONS = [
    *(
        case(
            conv((1, 1), (SAME, SAME)),
            m(2, 3, 5, 6),
            m(4, 3, 3, 3).fixed(),
            m(4).fixed(),
            atol=2e-2 if m is F16 else 1e-5,
        )
        for m in FLOATS
    ),
    case(
        conv((2, 1), ((0, 2), (1, 0)), (1, 2)), F32(1, 2, 7, 8), F32(3, 2, 3, 2).fixed(), atol=1e-5
    ),
    case(
        conv((1, 1), (NONE, NONE), groups=2),
        F32(1, 4, 3, 3),
        F32(6, 2, 1, 1).fixed(),
        F32(6).fixed(),
        atol=1e-5,
    ),
    case(conv((1, 1), (SAME, SAME), groups=4), F32(1, 4, 4, 4), F32(4, 1, 3, 3), atol=1e-5),
    case(conv((2,), ((1, 0),)), F32(2, 3, 9), F32(4, 3, 3).fixed(), F32(4).fixed(), atol=1e-5),
    case(
        conv((1, 2, 1), (SAME, NONE, SAME)),
        F32(1, 2, 3, 4, 3),
        F32(2, 2, 3, 2, 3).fixed(),
        atol=1e-5,
    ),
    *(
        case(
            transposed((2, 2), (SAME, SAME), (1, 1)),
            m(2, 3, 4, 5),
            m(3, 4, 3, 3).fixed(),
            m(4).fixed(),
            atol=2e-2 if m is F16 else 1e-5,
        )
        for m in FLOATS
    ),
    case(
        transposed((2, 3), ((0, 1), (1, 0)), (0, 2)),
        F32(1, 2, 3, 3),
        F32(2, 3, 2, 4).fixed(),
        atol=1e-5,
    ),
    case(
        transposed((1, 1), (SAME, SAME), (0, 0), (2, 2), 2),
        F32(1, 4, 4, 4),
        F32(4, 2, 2, 2).fixed(),
        atol=1e-5,
    ),
    case(
        transposed((2,), (SAME,), (1,)),
        F32(1, 2, 5),
        F32(2, 3, 4).fixed(),
        F32(3).fixed(),
        atol=1e-5,
    ),
    case(conv((1, 1), (NONE, NONE)), I32(1, 2, 3, 3), I32(2, 2, 1, 1).fixed()),
    case(transposed((1, 1), (NONE, NONE), (0, 0)), I32(1, 2, 3, 3), I32(2, 2, 1, 1).fixed()),
]

PRODUCTS = [
    *(
        case(ops.Linear(), m(4, 5), m(3, 5).fixed(), m(3).fixed(), atol=2e-2 if m is F16 else 1e-5)
        for m in FLOATS
    ),
    *(
        case(
            ops.Linear(), m(2, 4, 5), m(3, 5).fixed(), m(3).fixed(), atol=2e-2 if m is F16 else 1e-5
        )
        for m in FLOATS
    ),
    case(ops.Linear(), F32(4, 5), F32(3, 5).fixed(), atol=1e-5),
    case(ops.Linear(), F32(5), F32(3, 5).fixed(), F32(3).fixed(), atol=1e-5),
    case(ops.Linear(), F32(2, 2, 3, 5), F32(3, 5).fixed(), atol=1e-5),
    case(ops.Linear(), F32(4, 5), F32(3, 5), F32(3), atol=1e-5),
    case(ops.Linear(), F32(2, 4, 5), F32(3, 5), atol=1e-5),
    *(case(ops.Linear(), m(4, 5), m(3, 5).fixed(), m(3).fixed()) for m in (I32, I64, I8)),
    *(case(ops.MatMul(), m(3, 4), m(4, 2), atol=2e-2 if m is F16 else 1e-5) for m in FLOATS),
    *(case(ops.MatMul(), m(3, 4), m(4, 2)) for m in (I8, U8, I16, I32, I64, U32)),
    case(ops.MatMul(), F32(2, 3, 4), F32(4, 2).fixed(), atol=1e-5),
    case(ops.MatMul(), F32(2, 1, 3, 4), F32(5, 4, 2), atol=1e-5),
]

CASES: list[Case] = [*CONVOLUTIONS, *PRODUCTS]

"""Transposed convolutions."""

from __future__ import annotations

from tests.cases.case import Case, case, f32

IMAGE = f32(2, 4, 5, 6)
VOLUME = f32(1, 4, 3, 4, 3)
CLOSE = {"rtol": 1e-4, "atol": 1e-4}

WINDOWS = (
    "",
    ", stride=2",
    ", stride=2, padding=1",
    ", stride=(2, 3), padding=(1, 0)",
    ", stride=2, padding=1, dilation=2",
    ", stride=2, groups=2",
    ", groups=4, padding=1, bias=False",
)
EXTRA = (
    ", stride=2, padding=1, output_padding=1",
    ", stride=3, padding=(1, 0), output_padding=(2, 1)",
    ", stride=2, output_padding=(0, 1)",
    ", stride=2, output_padding=(1, 0), bias=False",
)

CASES: list[Case] = [
    *(
        case("m(x)", x=IMAGE, m=f"M.{name}(4, 8, 3{window})", dynamic=True, **CLOSE)
        for name in ("ConvTranspose2d", "ConvTransposeRelu2d")
        for window in (*WINDOWS, *EXTRA)
    ),
    *(
        case("m(x)", x=IMAGE, m=f"M.{name}(4, 8, (3, 4){window})", dynamic=True, **CLOSE)
        for name in ("ConvTransposeBn2d", "ConvTransposeBnRelu2d")
        for window in (*WINDOWS[:4], EXTRA[0])
    ),
    *(
        case("m(x)", x=VOLUME, m=f"M.ConvTranspose3d(4, 6, 3{window})", dynamic=True, **CLOSE)
        for window in (
            "",
            ", stride=2, bias=False",
            ", stride=(1, 2, 3), padding=(1, 0, 1)",
            ", stride=2, padding=1, dilation=2",
        )
    ),
    case("F.conv_transpose2d(x, w)", x=IMAGE, w=f32(4, 6, 3, 3), **CLOSE),
    case(
        "F.conv_transpose2d(x, w, b, 2, 1)",
        x=IMAGE,
        w=f32(4, 6, 3, 3),
        b=f32(1, 6, 1, 1),
        **CLOSE,
    ),
    case(
        "F.conv_transpose2d(x, w, None, (2, 2), (1, 0), groups=2)",
        x=IMAGE,
        w=f32(2, 2, 3, 3, 3),
        **CLOSE,
    ),
    case(
        "F.conv_transpose2d(x, w, None, (2, 2), (1, 1), (1, 1), (1, 1))",
        x=IMAGE,
        w="mge.Parameter(np.ones((4, 6, 3, 3), 'float32'))",
        dynamic=True,
        **CLOSE,
    ),
    case("F.conv_transpose3d(x, w)", x=VOLUME, w=f32(4, 6, 2, 2, 2), **CLOSE),
    case(
        "F.conv_transpose3d(x, w, b, (2, 1, 2), 1)",
        x=VOLUME,
        w=f32(4, 6, 3, 3, 3),
        b=f32(1, 6, 1, 1, 1),
        **CLOSE,
    ),
    case("F.conv_transpose3d(x, w, None, 2, groups=2)", x=VOLUME, w=f32(2, 2, 3, 2, 2, 2), **CLOSE),
    case(
        "F.conv_transpose3d(x, w, None, (2, 2, 2), (1, 1, 1), (1, 0, 1), (1, 1, 1))",
        x=VOLUME,
        w=f32(4, 6, 3, 3, 3),
        **CLOSE,
    ),
]

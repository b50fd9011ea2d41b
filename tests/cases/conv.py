"""Convolutions."""

from __future__ import annotations

from tests.cases.case import Case, Data, case, f16, f32

IMAGE = f32(2, 4, 7, 8)
VOLUME = f32(1, 4, 5, 6, 4)
SIGNAL = f32(2, 4, 11)
CLOSE = {"rtol": 1e-4, "atol": 1e-4}

WINDOWS_2D = (
    "",
    ", stride=2",
    ", stride=(2, 1), padding=(0, 2)",
    ", padding=1, dilation=2",
    ", padding=(2, 1), dilation=(2, 1), stride=(1, 3)",
    ", groups=2",
    ", groups=2, padding=1, stride=2",
    ", bias=False",
    ", padding=1, padding_mode='reflect'",
    ", padding=(1, 2), padding_mode='replicate', groups=2",
    ", padding_mode='reflect'",
)


def modules(name: str, data: Data, windows: tuple[str, ...], out: int = 6) -> list[Case]:
    """Return a case for each way to slide the kernel."""
    channels = data.shape[1]
    return [
        case("m(x)", x=data, m=f"M.{name}({channels}, {out}, 3{window})", dynamic=True, **CLOSE)
        for window in windows
    ]


MODULES: list[Case] = [
    *modules("Conv2d", IMAGE, WINDOWS_2D),
    case("m(x)", x=IMAGE, m="M.Conv2d(4, 6, (3, 2))", **CLOSE),
    case("m(x)", x=IMAGE, m="M.Conv2d(4, 6, 1)", **CLOSE),
    case("m(x)", x=IMAGE, m="M.Conv2d(4, 8, (5, 3), groups=4)", **CLOSE),
    *modules("ConvRelu2d", IMAGE, WINDOWS_2D),
    *modules("ConvBn2d", IMAGE, (*WINDOWS_2D, ", affine=False", ", eps=0.1")),
    *modules("ConvBnRelu2d", IMAGE, (*WINDOWS_2D, ", track_running_stats=False")),
    *modules(
        "Conv1d",
        SIGNAL,
        (
            "",
            ", stride=2, padding=2",
            ", dilation=3, bias=False",
            ", padding=2, padding_mode='reflect'",
            ", padding=1, padding_mode='replicate'",
        ),
    ),
    *modules(
        "Conv3d",
        VOLUME,
        (
            "",
            ", stride=2, padding=1",
            ", stride=(1, 2, 1), padding=(0, 1, 2), dilation=(2, 1, 1)",
            ", groups=2, bias=False",
            ", groups=4, padding=1",
        ),
        8,
    ),
]

FUNCTIONS: list[Case] = [
    case("F.conv2d(x, w)", x=IMAGE, w=f32(6, 4, 3, 3), **CLOSE),
    case("F.conv2d(x, w, b, 2, 1)", x=IMAGE, w=f32(6, 4, 3, 3), b=f32(1, 6, 1, 1), **CLOSE),
    case(
        "F.conv2d(x, w, b, stride=(2, 1), padding=(0, 1), dilation=(1, 2), groups=2)",
        x=IMAGE,
        w=f32(2, 3, 2, 3, 3),
        b=f32(1, 6, 1, 1),
        **CLOSE,
    ),
    case(
        "F.conv2d(x, w, groups=2)",
        x=IMAGE,
        w="mge.Parameter(np.ones((2, 3, 2, 3, 3), 'float32'))",
        dynamic=True,
        **CLOSE,
    ),
    case(
        "F.conv2d(x, w, b)",
        x=IMAGE,
        w="mge.Parameter(np.ones((6, 4, 3, 3), 'float32'))",
        b="mge.Parameter(np.ones((1, 6, 1, 1), 'float32'))",
        dynamic=True,
        **CLOSE,
    ),
    case("F.conv2d(x, w, b)", x=IMAGE, w=f32(6, 4, 3, 3), b=f32(1, 1, 1, 1), **CLOSE),
    case("F.conv2d(x, w, b)", x=IMAGE, w=f32(6, 4, 3, 3), b=f32(2, 6, 5, 6), **CLOSE),
    case("F.conv2d(x, w)", x=f16(2, 4, 7, 8), w=f16(6, 4, 3, 3), rtol=2e-2, atol=4e-2),
    case("F.conv2d(x, w)", x=f16(2, 4, 7, 8), w=f32(6, 4, 3, 3), rtol=2e-2, atol=4e-2),
    case("F.conv2d(x, w, x)", x=f32(1, 4, 3, 3), w=f32(4, 4, 1, 1), **CLOSE),
    case("F.conv2d(x, w, compute_mode='float32')", x=IMAGE, w=f32(6, 4, 3, 3), **CLOSE),
    case("F.conv1d(x, w)", x=SIGNAL, w=f32(6, 4, 3), **CLOSE),
    case("F.conv1d(x, w, b, 2, 1, 2)", x=SIGNAL, w=f32(6, 4, 3), b=f32(1, 6, 1), **CLOSE),
    case("F.conv3d(x, w)", x=VOLUME, w=f32(6, 4, 3, 3, 3), **CLOSE),
    case(
        "F.conv3d(x, w, b, (1, 2, 1), (0, 1, 2), groups=2)",
        x=VOLUME,
        w=f32(2, 3, 2, 3, 3, 3),
        b=f32(1, 6, 1, 1, 1),
        **CLOSE,
    ),
]

CASES = [*MODULES, *FUNCTIONS]

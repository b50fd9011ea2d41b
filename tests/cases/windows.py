"""Sliding windows, and the layers made of them."""

from __future__ import annotations

from tests.cases.case import Case, case, f32, i32

IMAGE = f32(2, 4, 5, 6)
CLOSE = {"rtol": 1e-4, "atol": 1e-4}
WINDOWS = ("(3, 2)", "(3, 2), 1, 2", "(2, 3), (0, 1), (1, 2), (2, 1)", "2, stride=2")

CASES: list[Case] = [
    *(case(f"F.sliding_window(x, {w})", x=IMAGE, dynamic=True) for w in WINDOWS),
    *(case("m(x)", x=IMAGE, m=f"M.SlidingWindow({w})", dynamic=True) for w in WINDOWS),
    *(
        case(text, x=data, dynamic=True, **CLOSE, **module)
        for data, settings in (
            (f32(2, 4, 3, 5, 3, 2), "(5, 6), (3, 2)"),
            (f32(2, 4, 3, 4, 3, 2), "(5, 6), (3, 2), 1, 2"),
            (f32(2, 4, 3, 3, 2, 3), "(5, 6), (2, 3), (0, 1), (1, 2), (2, 1)"),
        )
        for text, module in (
            (f"F.sliding_window_transpose(x, {settings})", {}),
            ("m(x)", {"m": f"M.SlidingWindowTranspose({settings})"}),
        )
    ),
    *(
        case("m(x)", x=IMAGE, m=f"M.LocalConv2d(4, 6, 5, 6, {settings})", dynamic=True, **CLOSE)
        for settings in ("3", "(3, 2), stride=2, padding=1", "2, groups=2", "1")
    ),
    case("F.local_conv2d(x, w)", x=IMAGE, w=f32(1, 3, 4, 4, 3, 3, 5), **CLOSE),
    case(
        "F.local_conv2d(x, w, b, (2, 1), (1, 0))",
        x=IMAGE,
        w=f32(2, 3, 5, 2, 3, 2, 3),
        b=f32(1, 6, 1, 1),
        **CLOSE,
    ),
    *(
        case(
            f"F.region_restricted_conv(x, w, r, s, {settings})",
            x=IMAGE,
            w=f32(2, 3, 2, 3, 3),
            r=i32(2, 5, 6, low=0, high=1),
            s=i32(2, *size, low=0, high=1),
            **CLOSE,
        )
        for settings, size in (
            ("groups=2", (3, 4)),
            ("None, 1, 1, groups=2", (5, 6)),
            ("mge.Tensor(np.ones((1, 6, 1, 1), 'float32')), groups=2", (3, 4)),
        )
    ),
    *(
        case(
            "m(x, r, s)",
            x=IMAGE,
            r=i32(2, 5, 6, low=0, high=1),
            s=i32(2, 5, 6, low=0, high=1),
            m=f"M.RegionRestrictedConv(4, 8, 3, {settings}, padding=1)",
            dynamic=True,
            **CLOSE,
        )
        for settings in ("groups=2", "groups=4, bias=False")
    ),
    *(
        case(
            f"F.vision.correlation(x, y{settings})",
            x=f32(2, 3, 7, 8),
            y=f32(2, 3, 7, 8),
            dynamic=True,
        )
        for settings in (
            "",
            ", 1, 2, 1, 1, 2",
            ", 3, 2, 1, 2, 3",
            ", 1, 2, 2, 1, 2",
            ", 3, 1, 2, 1, 2, False",
        )
    ),
]

"""Normalisation."""

from __future__ import annotations

from tests.cases.case import Case, case, f16, f32

IMAGE = f32(2, 6, 4, 5)
CLOSE = {"rtol": 1e-4, "atol": 1e-5}
SETTINGS = ("", ", affine=False", ", eps=0.1", ", track_running_stats=False", ", freeze=True")

BATCH: list[Case] = [
    *(
        case("m(x)", x=data, m=f"M.{name}(6{setting})", dynamic=True, **CLOSE)
        for name, data in (
            ("BatchNorm2d", IMAGE),
            ("BatchNorm1d", f32(3, 6)),
            ("BatchNorm1d", f32(3, 6, 5)),
            ("SyncBatchNorm", IMAGE),
        )
        for setting in SETTINGS
        if not (name == "BatchNorm1d" and "freeze" in setting)
    ),
    *(
        case("m(x)", x=data, m=f"M.BatchNorm1d(6{setting}, freeze=True)", **CLOSE)
        for data in (f32(3, 6),)
        for setting in ("", ", affine=False")
    ),
    case("m(x)", x=IMAGE, m="M.BatchNorm2d(6, affine=False, track_running_stats=False)", **CLOSE),
    case("F.batch_norm(x, m, v)", x=IMAGE, m=f32(1, 6, 1, 1), v=f32(1, 6, 1, 1, low=0.5, high=2)),
    case(
        "F.batch_norm(x, m, v, w, b, eps=0.01)",
        x=IMAGE,
        m=f32(1, 6, 1, 1),
        v=f32(1, 6, 1, 1, low=0.5, high=2),
        w=f32(1, 6, 1, 1),
        b=f32(1, 6, 1, 1),
        **CLOSE,
    ),
    case(
        "F.batch_norm(x, m, v, w, b)",
        x=IMAGE,
        m=f32(1, 6, 1, 1),
        v=f32(1, 6, 1, 1, low=0.5, high=2),
        w=f32(6),
        b=f32(6),
        **CLOSE,
    ),
    case("F.batch_norm(x, training=True)", x=IMAGE, **CLOSE),
    case("F.batch_norm(x, weight=w, training=True)", x=IMAGE, w=f32(6), **CLOSE),
    *(
        case(
            f"F.nn.sync_batch_norm(x, m, v, w, b, eps_mode='{mode}', eps=0.01)",
            x=IMAGE,
            m=f32(1, 6, 1, 1),
            v=f32(1, 6, 1, 1, low=0.001, high=0.1),
            w=f32(1, 6, 1, 1),
            b=f32(1, 6, 1, 1),
            **CLOSE,
        )
        for mode in ("additive", "max")
    ),
]

LAYER: list[Case] = [
    *(
        case("m(x)", x=data, m=f"M.LayerNorm({shape}{setting})", dynamic=True, **CLOSE)
        for data, shape in (
            (f32(3, 6), "6"),
            (f32(3, 2, 6), "(6,)"),
            (f32(3, 2, 6), "(2, 6)"),
            (f32(2, 3, 4, 5), "(3, 4, 5)"),
            (f32(2, 3, 4, 5), "[5]"),
        )
        for setting in ("", ", affine=False", ", eps=0.1")
    ),
    case("F.layer_norm(x, (6,), False)", x=f32(3, 6), **CLOSE),
    case("F.layer_norm(x, 6, True, w, b)", x=f32(3, 6), w=f32(6), b=f32(6), **CLOSE),
    case("F.layer_norm(x, (2, 6), True, w, b)", x=f32(3, 2, 6), w=f32(2, 6), b=f32(2, 6), **CLOSE),
    case("F.layer_norm(x, (6,), False)", x=f16(3, 6), rtol=1e-2, atol=1e-2),
]

GROUP: list[Case] = [
    *(
        case("m(x)", x=IMAGE, m=f"M.GroupNorm({groups}, 6{setting})", dynamic=True, **CLOSE)
        for groups in (1, 2, 3, 6)
        for setting in ("", ", affine=False", ", eps=0.1")
    ),
    *(
        case("m(x)", x=IMAGE, m=f"M.InstanceNorm(6{setting})", dynamic=True, **CLOSE)
        for setting in ("", ", affine=False", ", eps=0.1")
    ),
    case("F.nn.group_norm(x, 2, False)", x=IMAGE, **CLOSE),
    case("F.nn.group_norm(x, 3, True, w, b, 0.01)", x=IMAGE, w=f32(6), b=f32(6), **CLOSE),
    case("F.nn.instance_norm(x, False)", x=IMAGE, **CLOSE),
    case("F.nn.instance_norm(x, True, w, b, 0.01)", x=IMAGE, w=f32(6), b=f32(6), **CLOSE),
]

GENERAL: list[Case] = [
    *(
        case(
            "m(x)",
            x=f32(2, 3, 4, 5),
            m=f"M.GeneralNorm({shape}, {axes}{setting})",
            dynamic=True,
            **CLOSE,
        )
        for shape, axes in (
            ("(3,)", "[1]"),
            ("(3, 4)", "[1, 2]"),
            ("(4, 5)", "[-2, -1]"),
            ("(3, 5)", "[1, 3]"),
        )
        for setting in ("", ", affine=False", ", eps=0.1")
    ),
    case("F.general_norm(x, (0, 2), False)", x=f32(2, 3, 4), **CLOSE),
    case("F.general_norm(x, 1, True, w, b)", x=f32(2, 3, 4), w=f32(3), b=f32(3), **CLOSE),
]

RESPONSE: list[Case] = [
    *(
        case("m(x)", x=f32(2, 8, 3, 4), m=f"M.LocalResponseNorm({setting})", dynamic=True, **CLOSE)
        for setting in ("", "3, 1.0, 0.1, 0.5", "kernel_size=7, alpha=0.5", "1")
    ),
    case("F.nn.local_response_norm(x)", x=f32(2, 8, 3, 4), **CLOSE),
    case("F.nn.local_response_norm(x, 5, 1.0, 0.3, 0.9)", x=f32(2, 8, 3, 4), **CLOSE),
]

CASES = [*BATCH, *LAYER, *GROUP, *GENERAL, *RESPONSE]

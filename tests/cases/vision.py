"""Warps, regions of interest, colours and deformable convolution."""

from __future__ import annotations

from tests.cases.case import Case, case, f16, f32

IMAGE = f32(2, 3, 5, 6)
LAST = f32(2, 5, 6, 3)
CLOSE = {"rtol": 1e-4, "atol": 1e-4}
BORDERS = ("replicate", "constant", "reflect", "reflect_101", "wrap")
PLACES = f32(2, 4, 7, 2, low=-6.0, high=10.0)
REGION = f32(6, 5, low=0.0, high=1.99)
ROIS = "F.concat([F.floor(r[:, :1]), r[:, 1:3] * 3 - 1, r[:, 3:] * 6 - 2], axis=1)"
"""Rectangles in images of 8 x 9; some reach outside, some are inside out."""

WARPS: list[Case] = [
    *(
        case(
            f"F.vision.remap(x, y, border_mode='{border}', scalar=2.0, interp_mode='{mode}')",
            x=IMAGE,
            y=PLACES,
            dynamic=True,
            **CLOSE,
        )
        for border in BORDERS
        for mode in ("linear", "nearest")
    ),
    case("F.vision.remap(x, y)", x=IMAGE, y=PLACES, **CLOSE),
    *(
        case(
            "F.vision.warp_affine(x, y + F.eye(2, 3), (4, 7), "
            f"border_mode='{border}', border_val=1.5, format='{form}')",
            x=IMAGE if form == "NCHW" else LAST,
            y=f32(2, 2, 3, low=-0.5, high=0.5),
            dynamic=True,
            **CLOSE,
        )
        for border in BORDERS
        for form in ("NCHW", "NHWC")
    ),
    case("F.vision.warp_affine(x, y, (4, 7))", x=LAST, y=f32(2, 2, 3), **CLOSE),
    *(  # MegEngine computes places otherwise from 4 channels on
        case(
            f"F.vision.warp_{kind}(x, y + F.eye({rows}, 3), (6, 7), format='NHWC')",
            x=f32(2, 5, 6, channels),
            y=f32(2, rows, 3, low=-0.1, high=0.1),
            **CLOSE,
        )
        for kind, rows in (("affine", 2), ("perspective", 3))
        for channels in (1, 2, 4, 5)
    ),
    *(
        case(
            "F.vision.warp_perspective(x, y + F.eye(3), (4, 7), "
            f"border_mode='{border}', border_val=1.5, format='{form}')",
            x=IMAGE if form == "NCHW" else LAST,
            y=f32(2, 3, 3, low=-0.1, high=0.1),
            dynamic=True,
            **CLOSE,
        )
        for border in BORDERS
        for form in ("NCHW", "NHWC")
    ),
    case(
        "F.vision.warp_perspective(x, y + F.eye(3), (4, 7), mat_idx=[0, 1, 1])",
        x=IMAGE,
        y=f32(3, 3, 3, low=-0.1, high=0.1),
        **CLOSE,
    ),
    case(
        "F.vision.warp_perspective(x, y + F.eye(3), (4, 7))",
        x=f16(1, 3, 5, 6),
        y=f32(1, 3, 3, low=-0.1, high=0.1),
        **CLOSE,
    ),
]

REGIONS: list[Case] = [
    *(
        case(
            f"F.vision.roi_align(x, {ROIS}, {shape}, mode='{mode}', aligned={aligned})",
            x=f32(2, 3, 8, 9),
            r=REGION,
            **CLOSE,
        )
        for shape in ("(2, 3)", "3, sample_points=1", "(2, 2), spatial_scale=0.7")
        for mode in ("average", "max")
        for aligned in (True, False)
    ),
    *(
        case(
            f"F.vision.roi_align(x, {ROIS}, (2, 3), sample_points=(1, 3){more})",
            x=f32(2, 3, 8, 9),
            r=REGION,
            **CLOSE,
        )
        for more in ("", ", mode='max'")
    ),
    case("F.vision.roi_align(x, r, (2, 2))", x=f32(1, 3, 8, 9), r=f32(4, 5, low=0, high=0.9)),
    case(
        f"F.vision.roi_align(x, {ROIS}, (2, 2))", x=f16(2, 3, 8, 9), r=REGION, rtol=1e-2, atol=1e-2
    ),
    *(
        case(f"F.vision.roi_pooling(x, {ROIS}, {settings})", x=f32(2, 3, 8, 9), r=REGION)
        for settings in ("(2, 3)", "3, scale=0.5", "[2, 2], 'max', 0.3")
    ),
    case(f"F.vision.roi_pooling(x, {ROIS}, (2, 3), mode='average')", x=f32(2, 3, 8, 9), r=REGION),
]

COLOURS: list[Case] = [
    *(
        case(f"F.vision.cvt_color(x, '{mode}')", x=f32(2, 4, 5, channels), dynamic=True)
        for mode, channels in (
            ("RGB2GRAY", 3),
            ("BGR2GRAY", 3),
            ("GRAY2RGB", 1),
            ("RGB2YUV", 3),
            ("YUV2RGB", 3),
        )
    ),
]

DEFORMABLE: list[Case] = [
    case(
        "F.deformable_conv2d(x, w, o, m)",
        x=f32(2, 4, 5, 6),
        w=f32(5, 4, 3, 3),
        o=f32(2, 18, 3, 4),
        m=f32(2, 9, 3, 4),
        **CLOSE,
    ),
    case(
        "F.deformable_conv2d(x, w, o, m, b, (2, 1), (1, 0), (1, 2), groups=2)",
        x=f32(2, 4, 5, 7),
        w=f32(2, 3, 2, 3, 3),
        o=f32(2, 36, 3, 3),
        m=f32(2, 18, 3, 3),
        b=f32(1, 6, 1, 1),
        **CLOSE,
    ),
    *(
        case(
            "m(x, o, k)",
            x=f32(2, 4, 5, 6),
            o=f32(2, 18, 5, 6),
            k=f32(2, 9, 5, 6),
            m=f"M.DeformableConv2d(4, 6, 3, padding=1{more})",
            dynamic=True,
            **CLOSE,
        )
        for more in ("", ", bias=False", ", groups=2")
    ),
]

BOXES = "F.concat([b[:, :2] * 8, b[:, :2] * 8 + b[:, 2:] * 5 + 0.5], axis=1)"

SUPPRESSION: list[Case] = [
    *(
        case(f"F.vision.nms({BOXES}, s, {settings})", b=f32(20, 4, low=0, high=1), s=f32(20))
        for settings in ("0.5", "0.2", "0.3, 4", "0.1, max_output=2")
    ),
    case(f"b[F.vision.nms({BOXES}, s, 0.3)] * 2", b=f32(20, 4, low=0, high=1), s=f32(20)),
]

CASES = [*SUPPRESSION, *WARPS, *REGIONS, *COLOURS, *DEFORMABLE]

"""Resampling, padding and pixel shuffling."""

from __future__ import annotations

from tests.cases.case import Case, case, f16, f32, i8, i32, u8

IMAGE = f32(2, 3, 4, 6)
SIGNAL = f32(2, 3, 5)
VOLUME = f32(1, 2, 3, 4, 5)
SIZES = ("(8, 12)", "(4, 6)", "(7, 11)", "(3, 5)", "(2, 3)", "(1, 1)", "(12, 6)", "(13, 29)")
SCALES = ("2", "2.0", "(2, 3)", "1.5", "0.5", "1.3", "(0.5, 1.7)", "0.75", "4")

INTERPOLATE: list[Case] = [
    *(
        case(f"F.vision.interpolate(x, {size}, mode='{mode}')", x=IMAGE, dynamic=True)
        for mode in ("nearest", "bilinear", "bicubic")
        for size in SIZES
    ),
    *(
        case(f"F.vision.interpolate(x, scale_factor={scale}, mode='{mode}')", x=IMAGE, dynamic=True)
        for mode in ("nearest", "bilinear", "bicubic")
        for scale in SCALES
    ),
    *(
        case(f"F.vision.interpolate(x, {size}, align_corners=True)", x=IMAGE, dynamic=True)
        for size in ("(8, 12)", "(4, 6)", "(7, 11)", "(3, 5)", "(2, 3)", "(13, 29)")
    ),
    *(
        case(
            f"F.vision.interpolate(x, scale_factor={scale}, mode='bilinear', align_corners=True)",
            x=IMAGE,
            dynamic=True,
        )
        for scale in ("2", "1.5", "(0.5, 2)")
    ),
    case("F.vision.interpolate(x, (8, 12), align_corners=False)", x=IMAGE),
    case("F.vision.interpolate(x, 8)", x=IMAGE),
    case("F.vision.interpolate(x, [8, 9], mode='nearest')", x=IMAGE),
    # Where a place is a whole number only without rounding.
    case("F.vision.interpolate(x, (8, 106), mode='nearest')", x=f32(1, 1, 14, 40)),
    case("F.vision.interpolate(x, y.shape[2:])", x=IMAGE, y=f32(1, 1, 9, 7)),
    case("F.vision.interpolate(x, (x.shape[2] * 2, x.shape[3] * 3))", x=IMAGE),
    *(
        case(f"F.vision.interpolate(x, mode='nearest', size=({n}, {m}))", x=f32(1, 1, 7, 13))
        for n, m in ((21, 41), (49, 100), (10, 29), (3, 5), (91, 39))
    ),
    *(
        case(f"F.vision.interpolate(x, {size}, mode='linear'{align})", x=SIGNAL, dynamic=True)
        for size in ("10", "7", "3", "scale_factor=2", "scale_factor=1.3")
        for align in ("", ", align_corners=True")
    ),
    *(
        case(f"F.vision.interpolate(x, {size}, mode='trilinear'{align})", x=VOLUME, dynamic=True)
        for size in ("(6, 8, 10)", "(3, 5, 4)", "scale_factor=2", "scale_factor=(1, 1.5, 2)")
        for align in ("", ", align_corners=True")
    ),
    case("F.vision.interpolate(x, (1, 1, 1), mode='trilinear', align_corners=True)", x=VOLUME),
    *(
        case(f"F.vision.interpolate(x, (8, 9), mode='{mode}')", x=f16(1, 2, 4, 5), atol=1e-4)
        for mode in ("nearest", "bilinear", "bicubic")
    ),
    *(
        case("F.vision.interpolate(x, (8, 9), mode='nearest')", x=data)
        for data in (u8(1, 2, 4, 5), i8(1, 2, 4, 5))
    ),
]

PADDING: list[Case] = [
    *(
        case(f"F.nn.pad(x, {width}, mode='{mode}')", x=IMAGE, dynamic=True)
        for mode in ("constant", "replicate", "edge", "reflect")
        for width in ("((0, 0), (0, 0), (1, 1), (2, 2))", "((0, 0), (0, 0), (2, 0), (1, 3))")
    ),
    *(
        case(f"F.nn.pad(x, {width}, mode='{mode}')", x=SIGNAL)
        for mode in ("constant", "replicate")
        for width in ("((0, 0), (0, 0), (2, 1))", "((1, 2), (0, 1), (3, 0))")
    ),
    case("F.nn.pad(x, ((1, 1),))", x=f32(2, 3)),
    case("F.nn.pad(x, ((1, 2),), 'replicate')", x=f32(4)),
    case("F.nn.pad(x, ((1, 2), (0, 1), (0, 0), (0, 0), (1, 1)), 'edge')", x=f32(2, 2, 2, 2, 3)),
    case("F.nn.pad(x, ((0, 0), (1, 0)), 'constant', 2.5)", x=f32(2, 3), dynamic=True),
    case("F.nn.pad(x, ((1, 1), (0, 1)), 'constant', 3)", x=i32(2, 3)),
    case("F.nn.pad(x, ((1, 1), (0, 1)), 'edge')", x=u8(2, 3)),
    case("F.nn.pad(x, ((1, 2), (0, 1)))", x=f16(2, 3)),
    *(
        case("m(x)", x=IMAGE, m=f"M.Pad(((0, 0), (0, 0), (1, 2), (3, 1)){mode})", dynamic=True)
        for mode in ("", ", 'constant', 1.5", ", 'replicate'", ", 'reflect'", ", 'edge'")
    ),
]

SHUFFLE: list[Case] = [
    case("F.pixel_shuffle(x, 2)", x=f32(2, 8, 3, 4), dynamic=True),
    case("F.pixel_shuffle(x, 3)", x=f32(2, 9, 3, 4)),
    case("F.pixel_shuffle(x, 2)", x=f32(4, 3, 5)),
    case("F.pixel_shuffle(x, 2)", x=f32(2, 3, 4, 3, 5), dynamic=True),
    case("F.pixel_shuffle(x, 1)", x=f32(2, 4, 3, 5)),
    case("m(x)", x=f32(2, 8, 3, 4), m="M.PixelShuffle(2)", dynamic=True),
]

CASES = [*INTERPOLATE, *PADDING, *SHUFFLE]

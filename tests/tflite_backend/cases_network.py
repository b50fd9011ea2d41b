"""Cases of layers and images: paddings, strides, dilations, groups, axes, and open sizes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mgeconvert.ir import ops
from mgeconvert.ir.dims import dim
from tests.onnx_backend.case import (
    F16,
    F32,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    Case,
    Operand,
    case,
    given,
)
from tests.onnx_backend.cases.network import conv, transposed

H, W, N, K = map(dim, ("H", "W", "N", "K"))
NO, S = (0, 0), (1, 1)
ANY = F32("N", 3, "H", "W")
SIZES = ((("N", 1), ("H", 6), ("W", 5)), (("N", 3), ("H", 9), ("W", 8)))
BATCH = ((("N", 1),), (("N", 5),))


def weighted(op: Any, x: Operand, *w: int, bias: bool = True, fixed: bool = True) -> Case:
    count = w[0] if isinstance(op, ops.Conv) else w[1] * op.groups
    weights = F32(*w).between(-1, 1)
    more = [F32(count).fixed()] if bias else []
    return case(op, x, weights.fixed() if fixed else weights, *more, rtol=1e-4, atol=1e-4)


CONV = [
    *(
        weighted(conv((s, s), (p, p), (d, d), g), F32(2, 4, 9, 10), 8, 4 // g, k, k, bias=d == 1)
        for s in (1, 2, 3)
        for p in (NO, S, (0, 1), (2, 1))
        for d in (1, 2)
        for g in (1, 2, 4)
        for k in (1, 3)
    ),
    weighted(conv((1, 2), (S, NO), (3, 1)), F32(1, 3, 12, 7), 2, 3, 2, 5),
    weighted(conv((1, 1), (S, S), groups=3), F32(1, 3, 6, 6), 6, 1, 3, 3),
    weighted(conv((2,), ((1, 2),), (2,), 2), F32(2, 4, 15), 6, 2, 3),
    weighted(conv((1,), (S,), groups=4), F32(2, 4, 9), 4, 1, 3),
    *(
        weighted(
            conv((1, 2, 1), (S, (0, 1), NO), (1, 1, 1), g), F32(1, 4, 4, 6, 5), 4, 4 // g, 3, 3, 2
        )
        for g in (1, 2, 4)
    ),
    weighted(conv((1, 1), (S, S)), F32(1, 3, 6, 6), 2, 3, 3, 3, fixed=False),
    weighted(conv((1, 1), (NO, NO), groups=2), F32(1, 4, 6, 6), 2, 2, 3, 3, fixed=False),
    weighted(transposed((2, 2), (S, (0, 1)), (1, 0), groups=2), F32(2, 4, 5, 4), 4, 3, 3, 3),
    weighted(transposed((1, 2), (NO, S), (0, 1), (2, 1)), F32(1, 3, 5, 4), 3, 2, 3, 3),
    weighted(transposed((3, 2), (S, S), (0, 0), (2, 3)), F32(1, 3, 5, 4), 3, 2, 2, 2, bias=False),
    weighted(transposed((2,), (S,), (1,), groups=2), F32(2, 4, 7), 4, 2, 3),
    weighted(transposed((2, 1, 2), (NO, S, S), (0, 0, 1)), F32(1, 3, 3, 4, 4), 3, 2, 2, 3, 3),
    weighted(transposed((2, 2), (S, S), (0, 0)), F32(1, 3, 5, 4), 3, 2, 3, 3, fixed=False),
]

DENSE = [
    *(
        case(ops.Linear(), make(*lead, 4).between(0, 5), make(3, 4), make(3))
        for make in (F32, I32, I8, U8, I64)
        for lead in ((), (2,), (2, 1, 3), (2, 1, 3, 1, 2))
    ),
    *(
        case(ops.MatMul(), make(*a, 2, 3).between(0, 5), make(*b, 3, 4).between(0, 5))
        for make in (F32, I16, U32, I64)
        for a, b in (
            ((), ()),
            ((2,), ()),
            ((), (2, 2)),
            ((2, 1), (1, 3)),
            ((2, 1, 3, 1), (3, 1, 2)),
        )
    ),
    replace(case(ops.MatMul(), F32("N", 2, 3), F32(3, 4).fixed()), sizes=BATCH),
    replace(case(ops.MatMul(), F32("N", 1, 2, 1, 2, 3), F32(2, 5, 3, 4)), sizes=BATCH),
    replace(case(ops.Linear(), F32("N", 2, 2, 2, 3), F32(4, 3).fixed()), sizes=BATCH),
]

POOLS = [
    *(
        case(kind(kernel=(3, 2), stride=(2, 2), padding=p, ceil_mode=ceil, **more), F32(2, 3, 8, 9))
        for p in ((NO, NO), (S, NO), ((0, 1), S), ((1, 1), (1, 0)))
        for ceil in (False, True)
        for kind, more in (
            (ops.MaxPool, {}),
            (ops.AvgPool, {}),
            (ops.AvgPool, {"count_padding": True}),
        )
    ),
    *(
        case(
            kind(kernel=(2, 3, 2), stride=(1, 2, 2), padding=(S, S, NO), ceil_mode=ceil),
            F32(2, 2, 4, 6, 5),
        )
        for kind in (ops.MaxPool, ops.AvgPool)
        for ceil in (False, True)
    ),
    *(
        case(
            ops.MaxPool(kernel=(3, 2), stride=(2, 1), padding=(S, NO), ceil_mode=True),
            make(1, 2, 6, 5),
        )
        for make in (I8, U8, I16, U16, I32, U32, I64, F16)
    ),
    case(ops.MaxPool(kernel=(2, 2, 2), stride=(2, 2, 2), padding=(NO, NO, NO)), I32(1, 2, 4, 4, 4)),
    case(ops.MaxPool(kernel=(3,), stride=(2,), padding=(S,)), I64(1, 2, 7)),
    *(
        replace(
            case(kind(kernel=(3, 2), stride=(2, 2), padding=(S, NO), ceil_mode=ceil, **more), ANY),
            sizes=SIZES,
        )
        for ceil in (False, True)
        for kind, more in (
            (ops.MaxPool, {}),
            (ops.AvgPool, {}),
            (ops.AvgPool, {"count_padding": True}),
        )
    ),
    replace(
        case(ops.MaxPool(kernel=(2, 2), stride=(2, 2), padding=(NO, NO)), I32("N", 3, "H", "W")),
        sizes=SIZES,
    ),
]

RESIZED = [
    *(
        replace(
            case(
                ops.Resize(size=size, mode=mode, coordinates=c, scale=scale),
                ANY,
                atol=1e-4,
                rtol=1e-4,
            ),
            sizes=SIZES,
        )
        for mode in ("nearest", "linear", "cubic")
        for c in ("half_pixel", "align_corners", "asymmetric")
        for size, scale in (
            ((H * 2, W * 3), None),
            ((H * 2, W * 2), (2.0, 2.0)),
            ((H // 2, W // 2), None),
            ((H // 2, W // 2), (0.5, 0.5)),
            ((7, 11), None),
            ((H, W * 2), None),
        )
    ),
    *(
        case(ops.Resize(size=(5,), mode=mode), F32(1, 2, 3), atol=1e-5)
        for mode in ("nearest", "linear", "cubic")
    ),
    *(
        case(ops.Resize(size=(4, 3, 5), mode=mode), F32(1, 2, 3, 4, 2), atol=1e-5)
        for mode in ("nearest", "linear")
    ),
    *(
        case(ops.Resize(size=(4, 7), mode="nearest"), m(1, 2, 3, 4))
        for m in (I8, I16, I32, I64, F16)
    ),
    *(case(ops.Resize(size=(4, 8), mode="linear"), m(1, 2, 2, 4)) for m in (U8, I32)),
]

ROIS = replace(given(F32, (0, 1, 1, 6, 5), (1, 0, 0, 3, 4)), shape=(K, 5))
OFFSETS = F32("N", 18, 5, 3).between(-1.5, 1.5)
READ = [
    replace(case(op, F32(2, 3, "H", "W"), ROIS, atol=1e-4), sizes=((("H", 8), ("W", 9), ("K", 2)),))
    for op in (
        ops.RoiAlign(size=(2, 3), samples=(2, 2), scale=0.5),
        ops.RoiAlign(size=(1, 1), samples=(3, 1), offset=0.0, mode="max"),
    )
] + [
    replace(case(ops.RoiPool(size=(3, 2)), F32(2, 3, 7, 9), ROIS), sizes=((("K", 2),),)),
    replace(case(ops.RoiPool(size=(3, 2)), F32(2, 3, "H", 9), ROIS), sizes=((("K", 2), ("H", 7)),)),
    case(ops.RoiPool(size=(1, 7), scale=0.25), F16(2, 1, 5, 16), given(F16, (0, 2, 3, 40, 9))),
    *(
        case(
            ops.RoiPool(size=(3, 5)),
            F32(2, 2, *size),
            given(F32, (1, 0, 1, 6, 5), (0, -3, 2, 99, 2)),
        )
        for size in ((5, 16), (7, 8), (1, 9), (8, 1))
    ),
    *(
        replace(
            case(ops.Remap(border=b, mode=m), ANY, F32("N", 4, 7, 2).between(-6, 10), atol=1e-4),
            sizes=SIZES,
        )
        for b in ("constant", "replicate", "reflect", "reflect_101", "wrap")
        for m in ("linear", "nearest")
    ),
    replace(
        case(
            ops.DeformConv(stride=(1, 2), padding=((2, 1), NO), dilation=(2, 1), groups=2),
            F32("N", 4, 6, 7),
            F32(6, 2, 3, 3).fixed(),
            OFFSETS,
            F32("N", 9, 5, 3),
            F32(6).fixed(),
            atol=1e-3,
            rtol=1e-3,
        ),
        sizes=BATCH,
    ),
]


def layer(op: Any, steps: Any, batch: Any, gates: int, states: int, directions: int) -> Case:
    shapes = ((directions, gates * 3, 2), (directions, gates * 3, 3), (directions, gates * 3))
    weights = [F32(*shape).between(-0.5, 0.5).fixed() for shape in shapes]
    state = [F32(directions, batch, 3)] * states
    return case(op, F32(steps, batch, 2), *weights, *state, atol=1e-5)


STEPS = [
    *(
        replace(layer(op, 3, "N", gates, states, directions), sizes=BATCH)
        for op, gates, states in ((ops.Lstm(), 4, 2), (ops.Rnn(activation="relu"), 1, 1))
        for directions in (1, 2)
    ),
    layer(ops.Lstm(), 1, 2, 4, 2, 2),
    replace(layer(ops.Lstm(), "N", 2, 4, 2, 1), sizes=BATCH),
    replace(layer(ops.Rnn(), "N", 2, 1, 1, 2), sizes=BATCH),
]

EDGES = [
    replace(
        case(ops.Pad(pads=(NO, NO, (1, 2), (2, 1)), mode=mode), ANY),
        sizes=SIZES,
    )
    for mode in ("constant", "reflect", "edge")
]

CASES: list[Case] = [*CONV, *DENSE, *POOLS, *RESIZED, *READ, *STEPS, *EDGES]

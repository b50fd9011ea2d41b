"""Cases of operators that move, select, repeat or cut."""

from __future__ import annotations

from mgeconvert.ir import DType, ops
from tests.onnx_backend.case import (
    BOOL,
    F16,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    Case,
    case,
    given,
)

ANY = (F16, F32, F64, I8, U8, I16, I32, I64, BOOL)
FULL = ((0, 0), (0, 0))

SHAPES = [
    *(case(ops.Reshape(shape=(4, 6)), make(2, 3, 4)) for make in ANY),
    case(ops.Reshape(shape=()), F32(1, 1)),
    case(ops.Reshape(shape=(1,)), F32()),
    case(ops.Reshape(shape=(0, 2)), F32(0, 3)),
    case(ops.Reshape(shape=(2, 0)), F32(0, 3)),
    case(ops.Squeeze(squeezed=(1,)), F32(2, 1, 3, 1)),
    case(ops.Squeeze(squeezed=(1, 3)), I8(2, 1, 3, 1)),
    case(ops.Squeeze(squeezed=()), F32(2, 1)),
    case(ops.Unsqueeze(added=(0, 2)), F32(2, 3)),
    case(ops.Unsqueeze(added=(0,)), BOOL()),
    case(ops.Unsqueeze(added=()), F32(2)),
    *(case(ops.Transpose(perm=(2, 0, 1)), make(2, 3, 4)) for make in ANY),
    case(ops.Transpose(perm=()), F32()),
    *(case(ops.Expand(shape=(2, 3, 4)), make(3, 1)) for make in ANY),
    case(ops.Expand(shape=(2, 3)), F32()),
    *(case(ops.Concat(axis=1), make(2, 3), make(2, 1), make(2, 2).fixed()) for make in ANY),
    case(ops.Concat(axis=0), F32(2)),
    *(case(ops.Tile(repeats=(2, 1, 3)), make(2, 3, 1)) for make in ANY),
    case(ops.Tile(repeats=()), F32()),
    *(case(ops.DepthToSpace(size=2), make(2, 8, 3, 2)) for make in (F32, F16, I8, I32)),
    case(ops.DepthToSpace(size=3), F32(1, 18, 1, 2)),
]

CUTS = [
    *(case(ops.Split(axis=1, sizes=(1, 2)), make(2, 3)) for make in ANY),
    case(ops.Split(axis=0, sizes=(2, 2, 2)), F32(6)),
    case(ops.Split(axis=0, sizes=(3,)), F32(3, 2)),
    *(case(ops.Slice(starts=(0, 1), sizes=(2, 3), steps=(1, 1)), make(2, 5)) for make in ANY),
    case(ops.Slice(starts=(0, 0), sizes=(2, 3), steps=(1, 2)), F32(2, 5)),
    case(ops.Slice(starts=(1, 4), sizes=(2, 5), steps=(-1, -1)), F32(2, 5)),
    case(ops.Slice(starts=(1, 4), sizes=(1, 2), steps=(1, -3)), F32(2, 5)),
    case(ops.Slice(starts=(1, 3), sizes=(1, 2), steps=(-1, -2)), I8(2, 5)),
    case(ops.Slice(starts=(0, 0), sizes=(2, 5), steps=(1, 1)), F32(2, 5)),
    case(ops.Slice(starts=(0, 2), sizes=(2, 0), steps=(1, 1)), F32(2, 5)),
    case(ops.Slice(starts=(1, 0, 1), sizes=(1, 2, 2), steps=(1, 2, 2)), F32(2, 4, 5)),
]

PADS = [
    *(
        case(ops.Pad(pads=((0, 1), (2, 0)), value=1.0), make(2, 3))
        for make in ANY
        if make is not I64
    ),
    case(ops.Pad(pads=((0, 1), (2, 0)), value=1.0), I64(2, 3)),
    case(ops.Pad(pads=((0, 1), (2, 0)), value=0.0), BOOL(2, 3)),
    *(
        case(ops.Pad(pads=((0, 0), (0, 0), (1, 2), (2, 1)), mode=mode), make(1, 2, 4, 4))
        for mode in ("constant", "edge", "reflect")
        for make in (F32, F16, I32, U8, F64)
    ),
    case(ops.Pad(pads=((0, 0), (1, 1)), mode="reflect"), F32(2, 3)),
    case(ops.Pad(pads=((0, 0), (0, 0), (3, 3)), mode="edge"), F32(1, 2, 2)),
    case(ops.Pad(pads=((0, 0), (0, 0), (0, 0), (1, 1), (2, 2)), mode="edge"), F32(1, 2, 2, 2, 3)),
    case(ops.Pad(pads=((1, 1),), value=float("-inf")), F32(3)),
]

INDICES = [
    *(case(ops.Gather(axis=0), make(4, 3), given(I32, 2, 0, 3)) for make in ANY),
    case(ops.Gather(axis=1), F32(2, 4, 3), I64(2, 2).between(0, 3)),
    case(ops.Gather(axis=1), F32(2, 4), I64().between(0, 3)),
    case(ops.Gather(axis=0), F32(9, 4).fixed(), I32(2, 5).between(0, 8), note="embedding"),
    case(ops.Gather(axis=0), F32(4, 3), given(I32, -1, 0, -4).fixed(), note="negative"),
    *(case(ops.GatherElements(axis=1), make(3, 4), I32(3, 2).between(-4, 3)) for make in (F32, I8)),
    case(ops.GatherElements(axis=0), F32(3, 4), I64(2, 3).between(0, 2)),
    case(ops.GatherElements(axis=2), F32(2, 3, 4), I64(1, 2, 6).between(0, 3)),
    case(ops.GatherNd(), F32(3, 4, 5), I64(2, 2).between(-3, 2)),
    case(ops.GatherNd(), I8(3, 4), I32(2, 3, 1).between(0, 2)),
    case(ops.GatherNd(), F32(3, 4), I64(2).between(0, 2)),
    case(ops.GatherNd(batch_dims=1), F32(2, 4, 5), I64(2, 3, 1).between(0, 3)),
    case(ops.GatherNd(batch_dims=2), F32(2, 3, 4), I64(2, 3, 1).between(0, 3)),
    case(ops.ScatterElements(axis=0), F32(4, 3), given(I64, [2, 0, 1]), F32(1, 3)),
    case(ops.ScatterElements(axis=1), I32(2, 4), given(I32, [3, 0], [1, 2]), I32(2, 2)),
    case(
        ops.ScatterElements(axis=1, reduction="add"), F32(2, 4), I64(2, 5).between(0, 3), F32(2, 5)
    ),
    case(ops.ScatterNd(), F32(4, 3), given(I64, [2], [0]), F32(2, 3)),
    case(ops.ScatterNd(), I32(4, 3), given(I32, [2, 1], [0, 0]), I32(2)),
    case(ops.ScatterNd(reduction="add"), F32(4, 3), given(I64, [2], [2], [0]), F32(3, 3)),
    case(ops.OneHot(depth=4), I32(2, 3).between(0, 3)),
    case(ops.OneHot(depth=4, dtype=DType.F32), given(I64, 0, 3, 4, -1), note="outside"),
    case(ops.OneHot(depth=3, dtype=DType.U8), I64().between(0, 2)),
]

CASES: list[Case] = [*SHAPES, *CUTS, *PADS, *INDICES]

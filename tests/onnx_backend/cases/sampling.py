"""Cases of images read at computed places."""

from __future__ import annotations

from mgeconvert.ir import ops
from mgeconvert.ir.dims import symbol
from mgeconvert.ir.ops.sampling import BORDERS
from tests.onnx_backend.case import BOOL, F16, F32, Case, Operand, case, given

PLACES = F32(2, 4, 7, 2).between(-6.0, 10.0)
ROIS = given(
    F32,
    (0, 1, 1, 6, 5),
    (1, 0, 0, 3.3, 4.2),
    (0, -1.5, 2, 4.2, 9.7),
    (1, 5, 5, 5.2, 5.1),
    (0, -4, -4, 20, 20),
    (1, 3, 2, 2, 1),
)
BATCH: Operand = F32(2, 3, 8, 9)


def deform(groups: int, parts: int, bias: tuple[Operand, ...]) -> Case:
    op = ops.DeformConv(stride=(1, 2), padding=((1, 1), (0, 0)), dilation=(1, 1), groups=groups)
    return case(
        op,
        F32(2, 4, 5, 7),
        F32(6, 4 // groups, 3, 3),
        F32(2, parts * 18, 5, 3).between(-1.5, 1.5),
        F32(2, parts * 9, 5, 3),
        *bias,
        atol=1e-4,
        rtol=1e-4,
    )


CASES: list[Case] = [
    *(
        case(ops.Remap(mode=mode, border=border, value=2.0), F32(2, 3, 5, 6), PLACES, atol=1e-4)
        for mode in ("linear", "nearest")
        for border in BORDERS
    ),
    case(ops.Remap(), F16(1, 2, 4, 5), F16(1, 2, 3, 2), atol=2e-2),
    *(
        case(
            ops.RoiAlign(size=(2, 3), samples=samples, scale=0.7, offset=offset, mode=mode),
            BATCH,
            ROIS,
            atol=1e-5,
        )
        for samples in ((1, 1), (2, 2), (1, 3))
        for offset in (0.5, 0.0)
        for mode in ("average", "max")
    ),
    case(ops.RoiPool(size=(2, 3)), BATCH, ROIS),
    case(ops.RoiPool(size=(3, 3), scale=0.5), BATCH, ROIS),
    *(
        case(
            ops.NonMaxSuppression(threshold=0.3, kept=symbol("kept"), limit=limit),
            given(F32, *((i % 5, i % 4, i % 5 + 3, i % 4 + 2) for i in range(12))),
            F32(12),
        )
        for limit in (None, 3)
    ),
    case(ops.NonZero(count=symbol("count")), given(BOOL, True, False, True, True)),
    case(ops.NonZero(count=symbol("count")), given(BOOL, False, False)),
    deform(1, 1, ()),
    deform(2, 2, (F32(6),)),
]

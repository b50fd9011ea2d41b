"""Cases whose sizes only run time knows; N is a batch, H and W are sizes of images."""

from __future__ import annotations

from dataclasses import replace

from mgeconvert.ir import DType, ops
from mgeconvert.ir.dims import dim
from tests.onnx_backend.case import BOOL, F32, I32, I64, Case, case
from tests.onnx_backend.cases.network import NONE, SAME, conv, transposed

N, H, W = dim("N"), dim("H"), dim("W")
IMAGE = F32("N", 3, "H", "W")
BATCH = ((("N", 1),), (("N", 5),))
SIZES = ((("N", 1), ("H", 6), ("W", 5)), (("N", 5), ("H", 9), ("W", 8)))

CASES: list[Case] = [
    *(
        replace(c, sizes=BATCH)
        for c in (
            case(ops.Add(), F32("N", 3), F32(3).fixed()),
            case(ops.Maximum(), F32("N", 3), F32(3).fixed()),
            case(ops.Maximum(), F32("N", 3), F32("N", 1)),
            case(ops.Where(), BOOL("N", 1), F32("N", 3), F32(3).fixed()),
            case(ops.Reshape(shape=(N, 12)), F32("N", 3, 4)),
            case(ops.Reshape(shape=(N * 3, 4)), F32("N", 3, 4)),
            case(ops.Reshape(shape=(3, N, 4)), F32("N", 12)),
            case(ops.Reshape(shape=(N, N, 2)), F32("N", N * 2)),
            case(ops.Reshape(shape=(N, 3, N * 2)), F32(N * 3, "N", 2)),
            case(ops.Reshape(shape=(2, N, 1, N)), F32("N", N * 2)),
            case(ops.Transpose(perm=(1, 0)), F32("N", 3)),
            case(ops.Expand(shape=(N, 3, 2)), F32("N", 1, 2)),
            case(ops.Expand(shape=(N, 3)), F32(3).fixed(), F32("N")),
            case(ops.Tile(repeats=(1, N)), F32("N", 3)),
            case(ops.Concat(axis=0), F32("N", 3), F32(2, 3).fixed()),
            case(ops.Split(axis=0, sizes=(1, N)), F32(N + 1, 2), F32("N")),
            case(ops.Split(axis=1, sizes=(1, 2)), F32("N", 3)),
            case(ops.Split(axis=0, sizes=(N, N)), F32(N * 2, 2), F32("N")),
            case(ops.Slice(starts=(1, 0), sizes=(N, 5), steps=(1, 1)), F32(N * 3, 5), F32("N")),
            case(ops.Slice(starts=(0, 1), sizes=(N, 2), steps=(1, 1)), F32("N", 5)),
            case(ops.Slice(starts=(0, 4), sizes=(N, 3), steps=(1, -2)), F32("N", 5)),
            case(ops.Slice(starts=(0, 0), sizes=(1, 5), steps=(1, 1)), F32("N", 5)),
            case(ops.Slice(starts=(N - 1, 0), sizes=(1, 5), steps=(1, 1)), F32("N", 5)),
            case(ops.Slice(starts=(N - 1, 0), sizes=(N, 5), steps=(-1, 1)), F32("N", 5)),
            case(ops.Slice(starts=(0, 0), sizes=((N + 1) // 2, 5), steps=(2, 1)), F32("N", 5)),
            case(ops.Slice(starts=(1, 0), sizes=(N, 5), steps=(1, 1)), F32(N + 2, 5), F32("N")),
            case(ops.Gather(axis=0), F32(9, 4).fixed(), I32("N", 5).between(0, 8)),
            case(ops.Gather(axis=1), F32("N", 4), I64(2).between(0, 3)),
            case(ops.GatherNd(), F32(3, 4), I64("N", 2).between(0, 2)),
            case(ops.OneHot(depth=4), I32("N").between(0, 3)),
            case(ops.Softmax(axis=1), F32("N", 3, 4)),
            case(ops.ReduceMean(reduced=(1,)), F32("N", 3, 4)),
            case(ops.ReduceSum(reduced=(0,)), F32("N", 3)),
            case(ops.TopK(axis=1, k=2), F32("N", 5)),
            case(ops.CumSum(axis=1), F32("N", 5)),
            *(
                case(ops.CumSum(axis=0, exclusive=exclusive, reverse=reverse), F32("N", 5))
                for exclusive in (False, True)
                for reverse in (False, True)
            ),
            case(ops.GatherElements(axis=1), F32("N", 5), I32("N", 2).between(-5, 4)),
            case(ops.GatherElements(axis=1), F32("N", 5, 2), I64("N", 3, 2).between(0, 4)),
            case(ops.GatherElements(axis=0), F32("N", 5), I64(2, 4).between(0, 0)),
            case(ops.GatherNd(batch_dims=1), F32("N", 4, 5), I64("N", 3, 1).between(0, 3)),
            case(ops.GatherNd(), F32(2, "N", 3), I64(4, 1).between(0, 1)),
            case(ops.GatherNd(), F32("N", 2, 3), I64(4, 2).between(0, 0)),
            case(ops.Linear(), F32("N", 5), F32(3, 5).fixed(), F32(3).fixed(), atol=1e-5),
            case(ops.Linear(), F32("N", 2, 5), F32(3, 5).fixed(), F32(3).fixed(), atol=1e-5),
            case(ops.LayerNorm(axis=2, epsilon=1e-5), F32("N", 3, 8), F32(8).fixed(), atol=1e-5),
            case(ops.GroupNorm(groups=2, epsilon=1e-5), F32("N", 4, 3, 3), atol=1e-5),
            case(ops.LocalResponseNorm(size=2, alpha=0.1, beta=0.5, k=1.0), F32("N", 6, 3, 3)),
            case(ops.DepthToSpace(size=2), F32("N", 8, 3, 2)),
            case(ops.Resize(size=(7, 9), mode="linear"), F32("N", 2, 4, 5), atol=1e-5),
            case(ops.Resize(size=(8, 10), mode="linear"), F32("N", 2, 4, 5), atol=1e-5),
            case(ops.Resize(size=(7, 9), mode="nearest"), F32("N", 2, 4, 5)),
            case(
                ops.Resize(size=(7, 9), mode="linear", coordinates="align_corners"),
                F32("N", 2, 4, 5),
                atol=1e-5,
            ),
            case(ops.Range(count=N), F32("N", 3)),
            case(ops.Range(count=N * 2 + 1), F32("N", 3)),
            case(ops.DimVector(dims=(N,), dtype=DType.I32, scalar=True), F32("N", 3)),
            case(ops.DimVector(dims=(N, 3, N * 2), dtype=DType.I64), F32("N", 3)),
            case(ops.DimVector(dims=(N,), dtype=DType.I64, scalar=True), F32("N", 3)),
            case(ops.DimVector(dims=(N,), dtype=DType.I64), F32("N", 3)),
            case(ops.DimVector(dims=(2 * N * N + 1, N // 2), dtype=DType.I64), F32("N", 3)),
        )
    ),
    *(
        replace(c, sizes=SIZES)
        for c in (
            case(conv((2, 2), (SAME, SAME)), IMAGE, F32(4, 3, 3, 3).fixed(), atol=1e-5),
            case(
                transposed((2, 2), (SAME, SAME), (0, 0)), IMAGE, F32(3, 2, 4, 4).fixed(), atol=1e-5
            ),
            case(ops.MaxPool(kernel=(3, 3), stride=(2, 2), padding=(SAME, SAME)), IMAGE),
            case(
                ops.MaxPool(kernel=(2, 2), stride=(2, 2), padding=(NONE, NONE), ceil_mode=True),
                IMAGE,
            ),
            case(
                ops.AvgPool(kernel=(3, 3), stride=(2, 2), padding=(SAME, SAME), count_padding=True),
                IMAGE,
            ),
            case(
                ops.MaxPool(kernel=(2, 2), stride=(3, 3), padding=(NONE, NONE), ceil_mode=True),
                IMAGE,
            ),
            case(ops.Reshape(shape=(N, 3, H * W)), IMAGE),
            case(ops.Reshape(shape=(N, H, W, 3)), IMAGE),
            case(ops.Reshape(shape=(N * 3, H * W)), IMAGE),
            case(ops.Pad(pads=((0, 0), (0, 0), (1, 2), (2, 1)), mode="reflect"), IMAGE),
            case(ops.DepthToSpace(size=2), F32("N", 8, "H", "W")),
            case(ops.Resize(size=(H * 2, W * 2), mode="nearest", scale=(2.0, 2.0)), IMAGE),
            case(
                ops.Resize(size=(H * 2, W * 2), mode="linear", scale=(2.0, 2.0)), IMAGE, atol=1e-5
            ),
            case(ops.Resize(size=(H * 2, W * 2), mode="linear"), IMAGE, atol=1e-5),
            case(ops.Resize(size=(14, 15), mode="linear"), IMAGE, atol=1e-5),
            case(ops.Resize(size=(H, W), mode="linear"), F32("N", 2, 3, 4), IMAGE, atol=1e-5),
            case(ops.GroupNorm(groups=1, epsilon=1e-5), IMAGE, F32(3).fixed(), atol=1e-5),
            case(ops.Slice(starts=(0, 0, 0, 1), sizes=(N, 3, H - 1, W - 2), steps=(1,) * 4), IMAGE),
            case(
                ops.Slice(
                    starts=(0, 0, 0, W - 1), sizes=(N, 3, (H + 1) // 2, W), steps=(1, 1, 2, -1)
                ),
                IMAGE,
            ),
        )
    ),
]

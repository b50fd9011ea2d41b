"""Operators for the tests of their versions: what each is given, and which version it needs."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgeconvert.backends.tflite.versions import Operand
from tests.tflite_backend.one_operator import Given

X = (1, 4, 4, 8)
FIVE = (1, 2, 3, 4, 5)
HALF = ((1, 2, 2, 8),)
STEP = {"strideH": 1, "strideW": 1}
POOL = {"strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2}
MARGINS = np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32)
UNARY = ("LOG_SOFTMAX", "LOGISTIC", "TANH", "RELU", "RELU6", "HARD_SWISH", "EXP", "ABS", "RSQRT")


def _w(*shape: int) -> Any:
    return np.random.default_rng(1).uniform(-1, 1, shape).astype(np.float32)


def _i(*values: int) -> Any:
    return np.array(values, np.int32)


def _scalar(value: int) -> Any:
    return np.array(value, np.int32)


# float32 version, version of the int8 one that LiteRT's quantizer makes of it
GIVEN: tuple[tuple[Given, int, int], ...] = (
    (Given("CONV_2D", (X, _w(8, 3, 3, 8), _w(8)), (X,), "Conv2DOptions", STEP), 1, 3),
    (Given("CONV_2D", (X, _w(8, 3, 3, 4), _w(8)), (X,), "Conv2DOptions", STEP), 6, 6),
    (
        Given(
            "DEPTHWISE_CONV_2D",
            (X, _w(1, 3, 3, 8), _w(8)),
            (X,),
            "DepthwiseConv2DOptions",
            STEP | {"depthMultiplier": 1},
        ),
        *(1, 3),
    ),
    (
        Given(
            "DEPTHWISE_CONV_2D",
            (X, _w(1, 3, 3, 8), _w(8)),
            (X,),
            "DepthwiseConv2DOptions",
            STEP | {"depthMultiplier": 1, "dilationHFactor": 2, "dilationWFactor": 2},
        ),
        *(2, 3),
    ),
    (
        Given("FULLY_CONNECTED", ((2, 8), _w(4, 8), _w(4)), ((2, 4),), "FullyConnectedOptions"),
        *(1, 4),
    ),
    (Given("FULLY_CONNECTED", ((2, 8), _w(4, 8)), ((2, 4),), "FullyConnectedOptions"), 6, 6),
    (
        Given(
            "FULLY_CONNECTED",
            ((1, 2, 8), _w(4, 8), _w(4)),
            ((1, 2, 4),),
            "FullyConnectedOptions",
            {"keepNumDims": True},
        ),
        *(5, 5),
    ),
    (
        Given(
            "TRANSPOSE_CONV",
            (_i(1, 8, 8, 4), _w(4, 2, 2, 8), X),
            ((1, 8, 8, 4),),
            "TransposeConvOptions",
            {"strideH": 2, "strideW": 2},
        ),
        *(1, 2),
    ),
    (
        Given(
            "TRANSPOSE_CONV",
            (_i(1, 8, 8, 4), _w(4, 2, 2, 8), X, _w(4)),
            ((1, 8, 8, 4),),
            "TransposeConvOptions",
            {"strideH": 2, "strideW": 2},
        ),
        *(3, 3),
    ),
    (
        Given("BATCH_MATMUL", ((1, 2, 3), (1, 3, 4)), ((1, 2, 4),), "BatchMatMulOptions"),
        *(1, 2),
    ),
    (Given("ADD", (X, X), (X,), "AddOptions"), 1, 2),
    (Given("SUB", (X, X), (X,), "SubOptions"), 1, 2),
    (Given("SUB", (FIVE, (5,)), (FIVE,), "SubOptions"), 3, 3),
    (Given("MUL", (X, X), (X,), "MulOptions"), 1, 2),
    (Given("MAX_POOL_2D", (X,), HALF, "Pool2DOptions", POOL), 1, 2),
    (Given("AVERAGE_POOL_2D", (X,), HALF, "Pool2DOptions", POOL), 1, 2),
    (Given("SOFTMAX", (X,), (X,), "SoftmaxOptions", {"beta": 1.0}), 1, 2),
    *((Given(code, (X,), (X,)), 1, 1 if code == "HARD_SWISH" else 2) for code in UNARY),
    (Given("GELU", (X,), (X,), "GeluOptions"), 1, 2),
    (Given("PRELU", (X, _w(1, 1, 8)), (X,)), 1, 1),
    (Given("MAXIMUM", (X, X), (X,)), 1, 2),
    (Given("MINIMUM", (FIVE, (5,)), (FIVE,)), 3, 3),
    (Given("SQUARED_DIFFERENCE", (X, X), (X,)), 1, 2),
    (Given("MEAN", (X, _i(1, 2)), ((1, 8),), "ReducerOptions"), 1, 2),
    (Given("SUM", (X, _i(1, 2)), ((1, 8),), "ReducerOptions"), 1, 2),
    (Given("REDUCE_MAX", (X, _i(1, 2)), ((1, 8),), "ReducerOptions"), 1, 2),
    (Given("REDUCE_PROD", (X, _i(1, 2)), ((1, 8),), "ReducerOptions"), 1, 2),
    (Given("CONCATENATION", (X, X), ((1, 4, 4, 16),), "ConcatenationOptions", {"axis": 3}), 1, 2),
    (Given("PACK", (X, X), ((2, *X),), "PackOptions", {"valuesCount": 2}), 1, 2),
    (Given("UNPACK", (X,), ((4, 4, 8),), "UnpackOptions", {"num": 1}), 1, 2),
    (Given("SPLIT", (_scalar(3), X), ((1, 4, 4, 4),) * 2, "SplitOptions", {"numSplits": 2}), 1, 2),
    (
        Given(
            "SPLIT_V",
            (X, _i(3, 5), _scalar(3)),
            ((1, 4, 4, 3), (1, 4, 4, 5)),
            "SplitVOptions",
            {"numSplits": 2},
        ),
        *(1, 2),
    ),
    (Given("SLICE", (X, _i(0, 0, 0, 0), _i(1, 2, 2, 8)), HALF), 1, 2),
    (Given("SLICE", (FIVE, _i(0, 0, 0, 0, 0), _i(1, 1, 1, 1, 1)), ((1,) * 5,)), 5, 5),
    (
        Given(
            "STRIDED_SLICE",
            (X, _i(0, 0, 0, 0), _i(1, 4, 4, 8), _i(1, 2, 2, 1)),
            HALF,
            "StridedSliceOptions",
        ),
        *(1, 2),
    ),
    (Given("GATHER", (X, _i(1, 0)), ((1, 2, 4, 8),), "GatherOptions", {"axis": 1}), 1, 2),
    (Given("TRANSPOSE", (X, _i(0, 3, 1, 2)), ((1, 8, 4, 4),)), 1, 2),
    (Given("TRANSPOSE", (FIVE, _i(0, 4, 1, 2, 3)), ((1, 5, 2, 3, 4),)), 4, 4),
    (Given("RESHAPE", (X, _i(4, 32)), ((4, 32),)), 1, 1),
    (Given("SQUEEZE", (X,), ((4, 4, 8),), "SqueezeOptions", {"squeezeDims": [0]}), 1, 1),
    (Given("EXPAND_DIMS", (X, _i(0)), ((1, *X),)), 1, 1),
    (Given("PAD", (X, MARGINS), ((1, 6, 6, 8),)), 1, 2),
    (Given("MIRROR_PAD", (X, MARGINS), ((1, 6, 6, 8),), "MirrorPadOptions"), 1, 2),
    (Given("RESIZE_BILINEAR", (X, _i(8, 8)), ((1, 8, 8, 8),), "ResizeBilinearOptions"), 1, 2),
    (
        Given(
            "RESIZE_BILINEAR",
            (X, _i(8, 8)),
            ((1, 8, 8, 8),),
            "ResizeBilinearOptions",
            {"halfPixelCenters": True},
        ),
        *(3, 3),
    ),
    (
        Given(
            "RESIZE_NEAREST_NEIGHBOR",
            (X, _i(8, 8)),
            ((1, 8, 8, 8),),
            "ResizeNearestNeighborOptions",
        ),
        *(1, 2),
    ),
    (
        Given("SPACE_TO_DEPTH", (X,), ((1, 2, 2, 32),), "SpaceToDepthOptions", {"blockSize": 2}),
        *(1, 2),
    ),
    (
        Given("DEPTH_TO_SPACE", (X,), ((1, 8, 8, 2),), "DepthToSpaceOptions", {"blockSize": 2}),
        *(1, 2),
    ),
    (Given("L2_NORMALIZATION", (X,), (X,), "L2NormOptions"), 1, 2),
    (Given("ARG_MAX", (X, _scalar(3)), ((1, 4, 4),), "ArgMaxOptions", {"outputType": 2}), 1, 2),
    (Given("TILE", (X, _i(1, 2, 1, 1)), ((1, 8, 4, 8),)), 1, 3),
    (Given("REVERSE_V2", (X, _i(1)), (X,)), 1, 3),
)


def operand(text: str) -> Operand:
    """Return the operand that "INT8[1,2]", "INT8[1,2]@0.5" (scale) or "INT8[1,2]*" says."""
    head, _, scale = text.partition("@")
    dtype, _, sizes = head.rstrip("*]").partition("[")
    shape = tuple(int(size) for size in sizes.split(",")) if sizes else ()
    return Operand(
        dtype,
        len(shape),
        per_channel="*" in head,
        shape=shape,
        scale=float(scale) if scale else None,
    )

"""Operators as TFLite has them: images are N,H,W,C. They exist between legalizing and writing."""

from mgeconvert.backends.tflite.dialect.axes import (
    TflDequantize,
    TflLogSoftmax,
    TflQuantize,
    TflSoftmax,
)
from mgeconvert.backends.tflite.dialect.bits import TflBitcast
from mgeconvert.backends.tflite.dialect.indices import (
    TflGather,
    TflNonMaxSuppression,
    TflScatter,
    TflTopK,
)
from mgeconvert.backends.tflite.dialect.layouts import Pairs, to_first, to_last
from mgeconvert.backends.tflite.dialect.pixels import (
    TflDepthToSpace,
    TflResize,
)
from mgeconvert.backends.tflite.dialect.windows import (
    TflAvgPool,
    TflConv,
    TflDepthwise,
    TflMaxPool,
    TflTransposeConv,
    same_padding,
)

__all__ = [
    "Pairs",
    "TflAvgPool",
    "TflBitcast",
    "TflConv",
    "TflDepthToSpace",
    "TflDepthwise",
    "TflDequantize",
    "TflGather",
    "TflLogSoftmax",
    "TflMaxPool",
    "TflNonMaxSuppression",
    "TflQuantize",
    "TflResize",
    "TflScatter",
    "TflSoftmax",
    "TflTopK",
    "TflTransposeConv",
    "same_padding",
    "to_first",
    "to_last",
]

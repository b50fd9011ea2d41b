"""From the IR's operators to TFLite's: one file for each family."""

from mgeconvert.backends.tflite.legalize import (
    activation,
    arithmetic,
    conv,
    norm,
    pool,
    resize,
    shape,
)
from mgeconvert.backends.tflite.legalize.table import LEGAL, Legalize, Rewriter, legalize
from mgeconvert.backends.tflite.legalize.types import widen_types

__all__ = [
    "LEGAL",
    "Legalize",
    "Rewriter",
    "activation",
    "arithmetic",
    "conv",
    "legalize",
    "norm",
    "pool",
    "resize",
    "shape",
    "widen_types",
]

"""From the IR's operators to TFLite's: one file for each family."""

from mgeconvert.backends.tflite.legalize import (
    activation,
    arithmetic,
    bits,
    broadcast,
    conv,
    division,
    indices,
    matrix,
    norm,
    order,
    pool,
    recurrent,
    resize,
    shape,
)
from mgeconvert.backends.tflite.legalize.table import (
    LEGAL,
    Legalize,
    LegalizeOptions,
    Rewriter,
    legalize,
)
from mgeconvert.backends.tflite.legalize.types import widen_types

__all__ = [
    "LEGAL",
    "Legalize",
    "LegalizeOptions",
    "Rewriter",
    "activation",
    "arithmetic",
    "bits",
    "broadcast",
    "conv",
    "division",
    "indices",
    "legalize",
    "matrix",
    "norm",
    "order",
    "pool",
    "recurrent",
    "resize",
    "shape",
    "widen_types",
]

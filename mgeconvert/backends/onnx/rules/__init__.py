"""One rule per operator of the IR, by family."""

from mgeconvert.backends.onnx.rules import (
    activation,
    clip,
    comparison,
    conv,
    counting,
    dims,
    elementwise,
    gather,
    integer,
    norm,
    pool,
    recurrent,
    reduce,
    resize,
    shape,
    slicing,
    special,
)
from mgeconvert.backends.onnx.rules.table import RULES

__all__ = [
    "RULES",
    "activation",
    "clip",
    "comparison",
    "conv",
    "counting",
    "dims",
    "elementwise",
    "gather",
    "integer",
    "norm",
    "pool",
    "recurrent",
    "reduce",
    "resize",
    "shape",
    "slicing",
    "special",
]

"""One rule for each operator of ONNX and each of its forms, by family."""

from mgeconvert.frontends.onnx.rules import (
    activation,
    conv,
    create,
    elementwise,
    index,
    linear,
    norm,
    pool,
    quantize,
    recurrent,
    reduce,
    regions,
    resize,
    shape,
    slicing,
    suppress,
)
from mgeconvert.frontends.onnx.rules.refused import REFUSED
from mgeconvert.frontends.onnx.rules.table import RULES

__all__ = [
    "REFUSED",
    "RULES",
    "activation",
    "conv",
    "create",
    "elementwise",
    "index",
    "linear",
    "norm",
    "pool",
    "quantize",
    "recurrent",
    "reduce",
    "regions",
    "resize",
    "shape",
    "slicing",
    "suppress",
]

"""One rule per module class, tensor method, function and operator, by family."""

from mgeconvert.frontends.traced.rules import (
    activation,
    conv,
    create,
    elementwise,
    embedding,
    index,
    join,
    nn,
    norm,
    pad,
    pixels,
    pool,
    recurrent,
    reduce,
    resize,
    shape,
    transposed,
)
from mgeconvert.frontends.traced.rules.table import RULES

__all__ = [
    "RULES",
    "activation",
    "conv",
    "create",
    "elementwise",
    "embedding",
    "index",
    "join",
    "nn",
    "norm",
    "pad",
    "pixels",
    "pool",
    "recurrent",
    "reduce",
    "resize",
    "shape",
    "transposed",
]

"""One rule per operator of the IR that Caffe can express, by family."""

from mgeconvert.backends.caffe.rules import (
    activation,
    arithmetic,
    choosing,
    division,
    logic,
    masking,
    network,
    norm,
    places,
    pool,
    recurrent,
    reduce,
    regions,
    resize,
    sampling,
    shape,
    transposed,
)
from mgeconvert.backends.caffe.rules.table import RULES

__all__ = [
    "RULES",
    "activation",
    "arithmetic",
    "choosing",
    "division",
    "logic",
    "masking",
    "network",
    "norm",
    "places",
    "pool",
    "recurrent",
    "reduce",
    "regions",
    "resize",
    "sampling",
    "shape",
    "transposed",
]

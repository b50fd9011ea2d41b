"""One rule for each operator of MegEngine's graphs, by family."""

from mgeconvert.frontends.mge.rules import (
    attention,
    conv,
    create,
    elementwise,
    index,
    linear,
    mesh,
    norm,
    pool,
    qat,
    recurrent,
    reduce,
    relayout,
    resize,
    shape,
    vision,
    warp,
    windows,
)
from mgeconvert.frontends.mge.rules.refused import REFUSED
from mgeconvert.frontends.mge.rules.table import RULES

__all__ = [
    "REFUSED",
    "RULES",
    "attention",
    "conv",
    "create",
    "elementwise",
    "index",
    "linear",
    "mesh",
    "norm",
    "pool",
    "qat",
    "recurrent",
    "reduce",
    "relayout",
    "resize",
    "shape",
    "vision",
    "warp",
    "windows",
]

"""One rule per module class, tensor method, function and operator, by family."""

from mgeconvert.frontends.traced.rules import (
    create,
    elementwise,
    index,
    join,
    nn,
    reduce,
    shape,
)
from mgeconvert.frontends.traced.rules.table import RULES

__all__ = ["RULES", "create", "elementwise", "index", "join", "nn", "reduce", "shape"]

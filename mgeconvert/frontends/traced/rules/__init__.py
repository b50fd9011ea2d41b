"""One rule per module class, tensor method, function and operator, by family."""

from mgeconvert.frontends.traced.rules import elementwise, nn, shape
from mgeconvert.frontends.traced.rules.table import RULES

__all__ = ["RULES", "elementwise", "nn", "shape"]

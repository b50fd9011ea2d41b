"""One rule per operator of the IR, by family."""

from mgeconvert.backends.onnx.rules import elementwise
from mgeconvert.backends.onnx.rules.table import RULES

__all__ = ["RULES", "elementwise"]

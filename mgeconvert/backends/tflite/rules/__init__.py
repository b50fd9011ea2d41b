"""One rule per operator that is left after legalizing, by family."""

from mgeconvert.backends.tflite.legalize import LEGAL
from mgeconvert.backends.tflite.rules import elementwise, indices, network, shape
from mgeconvert.backends.tflite.rules.table import RULES

OPERATORS = {**dict(LEGAL), **dict(RULES)}
"""What TFLite can express: directly, or rewritten to what it has."""

__all__ = ["OPERATORS", "RULES", "elementwise", "indices", "network", "shape"]

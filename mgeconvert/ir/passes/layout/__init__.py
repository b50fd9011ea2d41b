"""The layout of tensors: few transpositions between operators that want different ones."""

from mgeconvert.ir.passes.layout.boundary import move_to_ports
from mgeconvert.ir.passes.layout.counts import Transposes, count_transposes
from mgeconvert.ir.passes.layout.flatten import permute_weights_after_flatten
from mgeconvert.ir.passes.layout.settle import settle_transposes
from mgeconvert.ir.passes.layout.unflatten import permute_weights_before_unflatten

__all__ = [
    "Transposes",
    "count_transposes",
    "move_to_ports",
    "permute_weights_after_flatten",
    "permute_weights_before_unflatten",
    "settle_transposes",
]

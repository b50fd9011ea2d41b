"""The loops written in C++, each with a numpy twin that defines it; depends on numpy and `_native`.

A missing extension module is a broken installation and raises ImportError, unless the environment
variable MGECONVERT_NO_NATIVE is 1: then the twins serve instead.
docs/native.md tells what each gains.
"""

from mgeconvert.native.channels import Grid, Rounding, along, round_half_away
from mgeconvert.native.difference import (
    Difference,
    difference,
    difference_native,
    difference_numpy,
)
from mgeconvert.native.fixed_point import (
    FixedPoint,
    Multipliers,
    requantize_fixed,
    requantize_fixed_native,
    requantize_fixed_numpy,
)
from mgeconvert.native.nibbles import (
    pack_nibbles,
    pack_nibbles_native,
    pack_nibbles_numpy,
    unpack_nibbles,
    unpack_nibbles_native,
    unpack_nibbles_numpy,
)
from mgeconvert.native.quantize import (
    dequantize,
    dequantize_native,
    dequantize_numpy,
    fake_quantize,
    fake_quantize_native,
    fake_quantize_numpy,
    quantize,
    quantize_native,
    quantize_numpy,
    requantize,
    requantize_native,
    requantize_numpy,
)

__all__ = [
    "Difference",
    "FixedPoint",
    "Grid",
    "Multipliers",
    "Rounding",
    "along",
    "dequantize",
    "dequantize_native",
    "dequantize_numpy",
    "difference",
    "difference_native",
    "difference_numpy",
    "fake_quantize",
    "fake_quantize_native",
    "fake_quantize_numpy",
    "pack_nibbles",
    "pack_nibbles_native",
    "pack_nibbles_numpy",
    "quantize",
    "quantize_native",
    "quantize_numpy",
    "requantize",
    "requantize_fixed",
    "requantize_fixed_native",
    "requantize_fixed_numpy",
    "requantize_native",
    "requantize_numpy",
    "round_half_away",
    "unpack_nibbles",
    "unpack_nibbles_native",
    "unpack_nibbles_numpy",
]

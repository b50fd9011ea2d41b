"""Operators that are known and refused, and why."""

from __future__ import annotations

from collections.abc import Mapping

DATA = "the size of its result depends on data"
RANDOM = "its result is random"
NONE = "it has no counterpart in the IR"

REFUSED: Mapping[str, str] = {
    "NonZero": DATA,
    "UniformRNG": RANDOM,
    "GaussianRNG": RANDOM,
    "GammaRNG": RANDOM,
    "BetaRNG": RANDOM,
    "PoissonRNG": RANDOM,
    "PermutationRNG": RANDOM,
    "ShuffleRNGForward": RANDOM,
    "Dropout": f"{RANDOM}: dump the model in evaluation mode",
    "SVD": NONE,
    "MatrixInverse": NONE,
    "DeformablePSROIPoolingForward": NONE,
}

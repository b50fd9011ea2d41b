"""All the cases, by family."""

from tests.onnx_backend.cases import (
    activation,
    elementwise,
    images,
    moving,
    network,
    recurrent,
    reductions,
    sampling,
    symbolic,
)

CASES = [
    *elementwise.CASES,
    *activation.CASES,
    *moving.CASES,
    *reductions.CASES,
    *network.CASES,
    *images.CASES,
    *recurrent.CASES,
    *sampling.CASES,
    *symbolic.CASES,
]

"""All the cases, by family."""

from tests.onnx_backend.cases import (
    activation,
    elementwise,
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
    *recurrent.CASES,
    *sampling.CASES,
    *symbolic.CASES,
]

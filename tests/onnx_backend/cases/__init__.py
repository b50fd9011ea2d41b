"""All the cases, by family."""

from tests.onnx_backend.cases import activation, elementwise, moving, network, reductions

CASES = [
    *elementwise.CASES,
    *activation.CASES,
    *moving.CASES,
    *reductions.CASES,
    *network.CASES,
]

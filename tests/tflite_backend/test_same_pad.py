"""The option `prefer_same_pad_mode`: kernels with zeros around them instead of a PAD, exactly."""

from __future__ import annotations

import pytest

from mgeconvert.ir import evaluate, ops
from tests.onnx_backend.case import F32, Case, case
from tests.onnx_backend.running import difference
from tests.tflite_backend.running import Options, codes, export, run, structure

PREFER = Options(prefer_same_pad_mode=True)
WEIGHTS = "DEPTHWISE_CONV_2D", "CONV_2D"


def conv(
    kernel: int,
    stride: int,
    pads: tuple[int, int],
    *,
    size: int,
    groups: int = 1,
    dilation: int = 1,
) -> Case:
    op = ops.Conv(
        stride=(stride, stride),
        padding=(pads, pads),
        dilation=(dilation, dilation),
        groups=groups,
    )
    return case(op, F32(2, 4, size, size), F32(4, 4 // groups, kernel, kernel).fixed(), F32(4))


EXTENDED = [
    (conv(3, 2, (1, 1), size=8), 4),
    (conv(7, 2, (3, 3), size=16), 8),
    (conv(3, 2, (1, 1), size=8, groups=4), 4),
    (conv(3, 2, (1, 1), size=8, groups=2), 4),
    (conv(2, 1, (1, 0), size=7), 3),
    (conv(1, 2, (0, 1), size=7), None),
    (conv(3, 2, (2, 2), size=9, dilation=2), None),
]
PADDED = [conv(3, 1, (2, 2), size=8), conv(3, 1, (0, 1), size=8), conv(5, 4, (1, 1), size=9)]


def kernel_of(model: bytes) -> int:
    graph = structure(model).subgraphs[0]
    names = codes(model)
    (index,) = [i for i, code in enumerate(names) if code in WEIGHTS]
    return int(graph.tensors[graph.operators[index].inputs[1]].shape[1])


def check(given: Case, model: bytes) -> None:
    feeds = given.feeds({})
    (want,), (got,) = evaluate(given.graph(), feeds).values(), run(model, feeds).values()
    assert not difference(want, got, rtol=given.rtol, atol=1e-4)


@pytest.mark.parametrize(("given", "kernel"), EXTENDED, ids=[c.label for c, _ in EXTENDED])
def test_kernel_is_extended(given: Case, kernel: int | None) -> None:
    model = export(given.graph(), PREFER)
    assert "PAD" not in codes(model)
    if kernel is not None:
        assert "PAD" in codes(export(given.graph()))
        assert kernel_of(model) == kernel
    check(given, model)


@pytest.mark.parametrize("given", PADDED, ids=[c.label for c in PADDED])
def test_rest_is_padded(given: Case) -> None:
    model = export(given.graph(), PREFER)
    assert "PAD" in codes(model)
    check(given, model)


def test_computed_weights_and_open_sizes_are_padded() -> None:
    op = ops.Conv(stride=(2, 2), padding=((1, 1), (1, 1)), dilation=(1, 1))
    for image, weights in (
        (F32(1, 2, 8, 8), F32(3, 2, 3, 3)),
        (F32(1, 2, "H", 8), F32(3, 2, 3, 3).fixed()),
    ):
        assert "PAD" in codes(export(case(op, image, weights).graph(), PREFER))

"""The option `mtk`: what MediaTek's Neuron compiler cannot read is refused by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mgeconvert.backends.tflite.mtk import OPERATORS
from mgeconvert.errors import ConversionFailed
from mgeconvert.ir import ops
from tests.onnx_backend.case import F32, I32, Case, case
from tests.tflite_backend.running import Options, codes, export

NONE = ((0, 0), (0, 0))
MTK = Options(mtk=True)
CONV = ops.Conv(stride=(1, 1), padding=((1, 1), (1, 1)), dilation=(1, 1))
IMAGE = F32(1, 8, 16, 16)
POOL = ops.MaxPool(kernel=(2, 2), stride=(2, 2), padding=NONE)


def conv(*shape: int, **changes: object) -> Case:
    return case(replace(CONV, **changes), IMAGE, F32(*shape).fixed())


READ = [
    conv(4, 8, 3, 3),
    conv(8, 1, 3, 3, groups=8, stride=(2, 2)),
    case(POOL, IMAGE),
    case(ops.AvgPool(kernel=(16, 16), stride=(1, 1), padding=NONE), IMAGE),
    case(ops.Softmax(axis=1), F32(1, 8)),
    case(ops.Linear(), F32(1, 8), F32(3, 8).fixed()),
    case(ops.Pad(pads=((0, 0), (0, 0), (1, 1), (1, 1)), mode="reflect"), IMAGE),
]

REFUSED = [
    (conv(4, 2, 3, 3, groups=4), "CONV_2D", "its channels are in groups"),
    (conv(4, 8, 17, 1), "CONV_2D", "its kernel is larger than 16"),
    (conv(4, 8, 3, 3, dilation=(2, 2), stride=(2, 2)), "CONV_2D", "a stride and a dilation"),
    (conv(4, 8, 3, 3, stride=(5, 5)), "CONV_2D", "its stride is none of 1, 2, 3, 4, 8"),
    (conv(4, 8, 3, 3, dilation=(3, 3)), "CONV_2D", "its dilation is none of 1, 2, 4, 8"),
    (conv(8, 1, 9, 9, groups=8), "DEPTHWISE_CONV_2D", "its kernel is larger than 8"),
    (conv(8, 1, 1, 1, groups=8, stride=(2, 2), padding=NONE), "DEPTHWISE_CONV_2D", "its stride is"),
    (case(replace(POOL, kernel=(9, 9)), IMAGE), "MAX_POOL_2D", "its kernel is larger than 8"),
    (case(replace(POOL, stride=(3, 3)), IMAGE), "MAX_POOL_2D", "its stride is larger than its"),
    (case(ops.Cos(), F32(3)), "COS", "it has no such operator"),
    (case(ops.Add(), I32(3), I32(3)), "ADD", "a tensor is INT32"),
    (case(ops.Abs(), F32(1, 1, 1, 2, 3)), "ABS", "a tensor has 5 axes, more than 4"),
    (case(ops.Abs(), F32(2, 3, 4, 4)), "ABS", "the batch is 2, not 1"),
    (case(ops.Abs(), F32("N", 3, 4, 4)), "ABS", "a tensor is known at run time only"),
    (case(ops.Abs(), F32(65536)), "ABS", "more than 65535 elements along an axis"),
    (
        case(ops.Pad(pads=((0, 0), (1, 1)), mode="reflect"), F32(2, 3)),
        "MIRROR_PAD",
        "it is not of four axes",
    ),
]


@pytest.mark.parametrize("given", READ, ids=[c.label for c in READ])
def test_what_neuron_reads_is_written(given: Case) -> None:
    assert set(codes(export(given.graph(), MTK))) <= set(OPERATORS)


@pytest.mark.parametrize(
    ("given", "code", "reason"), REFUSED, ids=[f"{c} {r}" for _, c, r in REFUSED]
)
def test_what_neuron_does_not_read_is_refused(given: Case, code: str, reason: str) -> None:
    assert codes(export(given.graph()))
    with pytest.raises(ConversionFailed) as raised:
        export(given.graph(), MTK)
    (problem,) = raised.value.problems
    assert problem.problem.startswith(f"mtk: {code}: ")
    assert reason in problem.problem
    assert problem.at is not None

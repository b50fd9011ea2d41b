"""QAT modules of MegEngine to ONNX with its pairs, and back: the numbers stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("megengine", reason="makes the modules")

from mgeconvert.ir import evaluate
from tests.onnx_frontend.round_trip import export_quantized, read_bytes
from tests.quant.test_onnx import KERNELS, made

RTOL, ATOL = 1e-5, 1e-6  # biases become whole numbers of 32 bits on the way


@pytest.mark.parametrize("opset", [10, 13, 21])
@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("qconfig", ["ema", "quint8"])
def test_numbers_stay(qconfig: str, name: str, opset: int, tmp_path: Path) -> None:
    graph, feeds, _ = made(name, qconfig, tmp_path)
    want = evaluate(graph, feeds, quantized=True)
    model = export_quantized(graph, opset)
    (got,) = evaluate(read_bytes(model), feeds, quantized=True).values()
    (old,) = want.values()
    steps = np.unique(np.abs(old[old != 0])).min()
    close = np.isclose(got, old, rtol=RTOL, atol=ATOL)
    assert (~close).sum() <= max(1, 1e-3 * close.size)
    assert np.abs(got - old).max() <= steps * (1 + RTOL) + ATOL
    again = export_quantized(read_bytes(model), max(opset, 13))
    (second,) = evaluate(read_bytes(again), feeds, quantized=True).values()
    assert np.array_equal(second, got)

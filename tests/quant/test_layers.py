"""Every module by every way of training, as a QDQ model in onnxruntime: within one step."""

from __future__ import annotations

import json

import numpy as np
import pytest

mge = pytest.importorskip("megengine", reason="the reference")

from tests.quant import configs  # noqa: E402
from tests.quant.test_onnx import converted, made, session  # noqa: E402

pytestmark = pytest.mark.slow

WIDE = ("qint16", "mixed")
"""With activations of 16 bits, which ONNX has from opset 21 on."""


@pytest.mark.parametrize("name", configs.MODULES)
@pytest.mark.parametrize("qconfig", configs.QCONFIGS)
def test_every_module_by_every_qconfig(qconfig, name, tmp_path):
    """Almost all elements are equal.

    A step of 16 bits is near float32's own error; with zero points MegEngine leaves biases as they
    are, where whole numbers have steps of 32 bits.
    """
    graph, feeds, want = made(name, qconfig, tmp_path)
    files = converted(graph, opset=21 if qconfig in WIDE else 13)
    (got,) = session(files["m.onnx"], tmp_path)[0].run(None, feeds)
    step = list(json.loads(files["m.quant_params.json"]).values())[-1]["scale"]
    steps = np.rint(np.abs(got - want) / step)
    most = 0.1 if qconfig in WIDE else 0.01 if qconfig == "quint8" else 1e-3
    assert (steps > 0).sum() <= max(1, most * steps.size)
    assert steps.max() <= 1

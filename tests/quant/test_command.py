"""The predecessor's command on a QAT model."""

from __future__ import annotations

import json

import pytest

mge = pytest.importorskip("megengine", reason="it makes the models")

import onnx  # noqa: E402

from mgeconvert.cli import main  # noqa: E402
from tests.quant import configs  # noqa: E402


@pytest.mark.parametrize("quantize", [False, True])
def test_a_qat_model_by_the_command(tmp_path, quantize):
    from megengine.traced_module import trace_module

    arrays = configs.inputs("conv")
    module = configs.trained(configs.MODULES["conv"](), "ema", *arrays)
    mge.save(trace_module(module, *map(mge.Tensor, arrays)), str(tmp_path / "m.tm"))
    parameters = tmp_path / "parameters.json"
    flags = ["--require_quantize"] if quantize else []
    command = ["tracedmodule_to_onnx", "-i", str(tmp_path / "m.tm"), "--opset", "13"]
    command += ["-o", str(tmp_path / "m.onnx"), "--quantize_file_path", str(parameters), *flags]
    assert main(command) == 0
    kinds = {node.op_type for node in onnx.load(tmp_path / "m.onnx").graph.node}
    assert ("QuantizeLinear" in kinds) == quantize
    assert len(json.loads(parameters.read_text())) == 4
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.onnx", "m.tm", "parameters.json"]

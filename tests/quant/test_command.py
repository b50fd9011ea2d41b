"""The predecessor's command on a QAT model."""

from __future__ import annotations

import json

import pytest

mge = pytest.importorskip("megengine", reason="it makes the models")

import onnx  # noqa: E402

from mgeconvert.cli import main  # noqa: E402
from tests.quant import configs  # noqa: E402

pytestmark = pytest.mark.slow


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


def test_parameters_of_an_earlier_model_do_not_stay(tmp_path, monkeypatch):
    import megengine.module as M
    from megengine.traced_module import trace_module

    from mgeconvert import tracedmodule_to_onnx

    monkeypatch.chdir(tmp_path)
    arrays = configs.inputs("conv")
    tensors = list(map(mge.Tensor, arrays))
    module = configs.trained(configs.MODULES["conv"](), "ema", *arrays)
    mge.save(trace_module(module, *tensors), "qat.tm")
    mge.save(trace_module(M.Sequential(M.Conv2d(3, 4, 3)), *tensors), "float.tm")
    beside, wanted = tmp_path / "out.quant_params.json", tmp_path / "quant_params.json"

    tracedmodule_to_onnx("qat.tm", quantize_file_path=str(beside))
    assert len(json.loads(beside.read_text())) == 4
    tracedmodule_to_onnx("qat.tm")
    assert not beside.exists()  # it was written again, and moved
    assert len(json.loads(wanted.read_text())) == 4

    beside.write_text("{}")
    tracedmodule_to_onnx("float.tm")
    assert not wanted.exists()
    assert beside.read_text() == "{}"  # not ours

    wanted.write_text('{"mine": 1}')
    tracedmodule_to_onnx("float.tm")
    assert wanted.read_text() == '{"mine": 1}'

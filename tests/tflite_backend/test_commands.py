"""The predecessor's functions and commands for TFLite, on files of the zoo."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import mgeconvert
from mgeconvert.cli import main
from mgeconvert.errors import ConversionFailed
from tests.tflite_backend.running import codes, run, structure
from tests.zoo import feeds
from tests.zoo.test_convert import compare, folder, own_batch

pytestmark = pytest.mark.slow


@pytest.fixture
def source() -> Path:
    return folder() / "residual-basic.tm"


def check(path: Path, name: str = "residual-basic") -> None:
    got = run(path.read_bytes(), feeds(name, own_batch(name)))
    compare(name, [*got.values()], own_batch(name))


def test_the_function_for_traced_modules(source: Path, tmp_path: Path) -> None:
    mgeconvert.tracedmodule_to_tflite(source, tmp_path / "a.tflite", graph_name="net")
    check(tmp_path / "a.tflite")
    (graph,) = structure((tmp_path / "a.tflite").read_bytes()).subgraphs
    assert graph.name == b"net"
    assert [*graph.tensors[graph.inputs[0]].shape][-1] == 3
    assert [p.name for p in tmp_path.iterdir()] == ["a.tflite"]


def test_the_command_for_traced_modules(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.tflite"
    files = ["-i", str(source), "-o", str(path)]
    more = ["--disable_nhwc", "--graph-name", "net", "--outspec", "layer1", "--tfversion", "2.3"]
    assert main(["tracedmodule_to_tflite", *files, *more]) == 0
    assert str(path.stat().st_size) in capsys.readouterr().out
    (graph,) = structure(path.read_bytes()).subgraphs
    assert [*graph.tensors[graph.inputs[0]].shape][1] == 3
    assert "FULLY_CONNECTED" not in codes(path.read_bytes())


def test_a_runtime_that_is_none_is_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ConversionFailed, match=r'such as "2\.10\.0"'):
        mgeconvert.tracedmodule_to_tflite(source, tmp_path / "a.tflite", max_runtime="new")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("as_path", [True, False], ids=["path", "file"])
def test_dumps(tmp_path: Path, *, as_path: bool) -> None:
    dumped = Path(__file__).resolve().parents[2] / "examples" / "digits.tm"
    mge = pytest.importorskip("megengine", reason="it makes the dump")
    from megengine.jit import trace

    module = mge.load(str(dumped))
    data = np.random.default_rng(0).standard_normal((3, 1, 8, 8)).astype(np.float32)
    traced = trace(lambda x: module(x), symbolic=True, capture_as_const=True)
    (want,) = [traced(mge.Tensor(data)).numpy()]
    path = tmp_path / "digits.mge"
    with path.open("wb") as file:  # given a name, MegEngine leaves it open
        traced.dump(file, arg_names=["data"])
    output = tmp_path / "out.tflite"
    if as_path:
        assert main(["mge_to_tflite", "-i", str(path), "-o", str(output)]) == 0
    else:
        with path.open("rb") as file:
            mgeconvert.mge_to_tflite(file, output)
    (got,) = run(output.read_bytes(), {"data": data}).values()
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


def test_quantized_models_and_their_parameters(tmp_path: Path) -> None:
    mge = pytest.importorskip("megengine", reason="it makes the models")
    from megengine.traced_module import trace_module

    from tests.quant import configs

    arrays = configs.inputs("conv_relu")
    module = configs.trained(configs.MODULES["conv_relu"](), "ema", *arrays)
    traced = trace_module(module, *map(mge.Tensor, arrays))
    parameters = tmp_path / "parameters.json"
    output = tmp_path / "out.tflite"
    mgeconvert.tracedmodule_to_tflite(
        traced, output, require_quantize=True, quantize_file_path=str(parameters)
    )
    assert codes(output.read_bytes()) == ["CONV_2D"]
    assert len(json.loads(parameters.read_text())) == 4
    float_options = ["--param_fake_quant", "--quantize_file_path", str(parameters)]
    mge.save(traced, str(tmp_path / "m.tm"))
    command = ["tracedmodule_to_tflite", "-i", str(tmp_path / "m.tm"), "-o", str(output)]
    assert main([*command, *float_options]) == 0
    (graph,) = structure(output.read_bytes()).subgraphs
    assert {t.type for t in graph.tensors} == {0}  # float32 all over


def test_an_input_without_a_stub(tmp_path: Path) -> None:
    """Where nothing else is quantized, the input is, and the model computes in floats."""
    mge = pytest.importorskip("megengine", reason="it makes the models")
    import megengine.module as M
    from megengine.traced_module import trace_module

    class Plain(M.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = M.Conv2d(3, 4, 3)

        def forward(self, data: mge.Tensor) -> mge.Tensor:
            return self.conv(data)

    traced = trace_module(Plain(), mge.Tensor(np.zeros((1, 3, 8, 8), np.float32)))
    output = tmp_path / "out.tflite"
    mgeconvert.tracedmodule_to_tflite(
        traced,
        output,
        input_data_type="quint8",
        input_scales=0.125,
        input_zero_points=128,
        require_quantize=True,
        quantize_file_path=str(tmp_path / "p.json"),
    )
    (graph,) = structure(output.read_bytes()).subgraphs
    x = graph.tensors[graph.inputs[0]]
    assert (x.type, [*x.quantization.scale], [*x.quantization.zeroPoint]) == (3, [0.125], [128])
    assert codes(output.read_bytes()) == ["DEQUANTIZE", "CONV_2D"]

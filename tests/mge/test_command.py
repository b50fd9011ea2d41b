"""The predecessor's function and command for dumped graphs."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from mgeconvert import mge_to_onnx
from mgeconvert.cli import main

pytestmark = pytest.mark.slow

DUMP = Path(__file__).parent / "dumps" / "residual.v2.mge"


def test_the_function_writes_a_file(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    mge_to_onnx(DUMP, path, opset=13, graph_name="small")
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert model.graph.name == "small"
    assert [opset.version for opset in model.opset_import if not opset.domain] == [13]
    assert [port.name for port in model.graph.input] == ["x0"]
    assert [port.name for port in model.graph.output] == ["classes.ADD"]


def test_the_function_takes_an_open_file(tmp_path: Path) -> None:
    with DUMP.open("rb") as file:
        mge_to_onnx(file, tmp_path / "open.onnx")
    mge_to_onnx(DUMP, tmp_path / "named.onnx")
    opened, named = (onnx.load(tmp_path / name) for name in ("open.onnx", "named.onnx"))
    assert opened.graph == named.graph


def test_the_command_takes_end_points(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.onnx"
    names = "first.2.RELU; classes.ADD"
    assert main(["mge_to_onnx", "-i", str(DUMP), "-o", str(path), "--end_point", names]) == 0
    assert str(path) in capsys.readouterr().out
    outputs = onnx.load(path).graph.output
    assert [port.name for port in outputs] == ["first.2.RELU", "classes.ADD"]


def test_an_unknown_end_point_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.onnx"
    assert main(["mge_to_onnx", "-i", str(DUMP), "-o", str(path), "--end_point", "RELV"]) == 1
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert "'RELV'" in err
    assert not path.exists()


def test_a_quantized_dump_becomes_a_float_model(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    mge_to_onnx(DUMP.with_name("quantized.v2.mge"), path)
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert not any("Quantize" in node.op_type for node in model.graph.node)
    (result,) = model.graph.output
    assert result.type.tensor_type.elem_type == onnx.TensorProto.FLOAT

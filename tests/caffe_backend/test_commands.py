"""The predecessor's functions and commands for Caffe, on a file of the zoo."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest

import mgeconvert
from mgeconvert import BackEnd
from mgeconvert.cli import main
from mgeconvert.errors import ConversionFailed
from tests.caffe_backend.running import Files, difference, run_opencv
from tests.zoo import feeds
from tests.zoo.test_convert import folder
from tests.zoo.test_dumps import folder as dumps

pytestmark = pytest.mark.slow


@pytest.fixture
def source() -> Path:
    return folder() / "residual-basic.tm"


def read(prototxt: Path, caffemodel: Path) -> Files:
    return Files(prototxt.read_bytes(), caffemodel.read_bytes())


def test_both_files_get_their_names(source: Path, tmp_path: Path) -> None:
    together = tmp_path / "a.prototxt", tmp_path / "a.caffemodel"
    apart = tmp_path / "x" / "b.prototxt", tmp_path / "y" / "c.caffemodel"
    for paths in (together, apart):
        mgeconvert.tracedmodule_to_caffe(source, *paths)
        assert run_opencv(read(*paths), feeds("residual-basic"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.caffemodel", "a.prototxt", "x", "y"]
    assert [p.name for p in (tmp_path / "y").iterdir()] == ["c.caffemodel"]


def test_one_end_point_by_its_name(source: Path, tmp_path: Path) -> None:
    paths = tmp_path / "a.prototxt", tmp_path / "a.caffemodel"
    with pytest.raises(ConversionFailed, match="no value named 'absent'"):
        mgeconvert.tracedmodule_to_caffe(source, *paths, outspec="absent")


def test_a_folder_that_cannot_be_written(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    weights = tmp_path / "file" / "a.caffemodel"
    with pytest.raises(ConversionFailed, match="cannot be written"):
        mgeconvert.tracedmodule_to_caffe(source, tmp_path / "a.prototxt", weights)


@pytest.mark.slow
def test_a_dump_by_path_and_as_a_file(tmp_path: Path) -> None:
    dump = dumps() / "residual-basic.v2.mge"
    for name, opened in (("path", contextlib.nullcontext(dump)), ("file", dump.open("rb"))):
        with opened as given:
            paths = tmp_path / f"{name}.prototxt", tmp_path / f"{name}.caffemodel"
            mgeconvert.mge_to_caffe(given, *paths)
    weights = [(tmp_path / f"{name}.caffemodel").read_bytes() for name in ("path", "file")]
    assert weights[0][64:] == weights[1][64:]  # they begin with the name of the net
    assert len(weights[0]) > 10_000
    files = read(tmp_path / "file.prototxt", tmp_path / "file.caffemodel")
    (got,) = run_opencv(files, feeds("residual-basic")).values()
    with np.load(dumps() / "residual-basic.v2.npz") as results:
        assert not difference(results["2.0"], got, tolerance=1e-4)


def test_options_of_the_command_have_effect(source: Path, tmp_path: Path) -> None:
    paths = tmp_path / "a.prototxt", tmp_path / "a.caffemodel"
    files = ["-i", str(source), "-c", str(paths[0]), "-b", str(paths[1])]
    more = ["--fuse_bn", "--use_empty_blobs", "--convert_backend", "nnie", "--end_point", "layer1"]
    assert main(["tracedmodule_to_caffe", *files, *more]) == 0
    text, binary = read(*paths).nets()
    types = [layer.type for layer in text.layer]
    assert "BatchNorm" not in types
    assert "InnerProduct" not in types
    assert not any(blob.data for layer in binary.layer for blob in layer.blobs)
    assert b'"dialect": "nnie"' in paths[0].read_bytes()


def test_quantized_layers_are_refused(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = tmp_path / "a.prototxt", tmp_path / "a.caffemodel"
    files = ["-i", str(source), "-c", str(paths[0]), "-b", str(paths[1])]
    assert main(["tracedmodule_to_caffe", *files, "--require_quantize"]) == 1
    assert "Caffe's format has no quantized layers" in capsys.readouterr().err
    with pytest.raises(ConversionFailed, match="has no quantized layers"):
        mgeconvert.tracedmodule_to_caffe(source, *paths, require_quantize=True)
    assert not any(tmp_path.iterdir())


def test_parameters_of_inputs_go_to_their_file(source: Path, tmp_path: Path) -> None:
    paths = tmp_path / "a.prototxt", tmp_path / "x" / "a.caffemodel"
    parameters = tmp_path / "parameters.json"
    files = ["-i", str(source), "-c", str(paths[0]), "-b", str(paths[1])]
    asked = ["--input_data_type", "quint8", "--input_scales", "0.125", "--input_zero_points", "128"]
    where = ["--quantize_file_path", str(parameters)]
    assert main(["tracedmodule_to_caffe", *files, *asked, *where]) == 0
    text, _ = read(*paths).nets()
    assert json.loads(parameters.read_text())[text.layer[0].top[0]] == {
        "dtype": "uint8",
        "qmin": 0,
        "qmax": 255,
        "scale": 0.125,
        "zero_point": 128,
        "is_weight": False,
    }
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.prototxt", "parameters.json", "x"]


@pytest.mark.parametrize("split", [False, True])
def test_a_qat_model_by_the_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, split: bool
) -> None:
    mge = pytest.importorskip("megengine", reason="it makes the models")
    from megengine.traced_module import trace_module

    from tests.quant import configs

    arrays = configs.inputs("conv_relu")
    module = configs.trained(configs.MODULES["conv_relu"](), "ema", *arrays)
    monkeypatch.chdir(tmp_path)
    mgeconvert.tracedmodule_to_caffe(
        trace_module(module, *map(mge.Tensor, arrays)), split_conv_relu=split, param_fake_quant=True
    )
    entries = json.loads((tmp_path / "quant_params.json").read_text())
    assert [entry["is_weight"] for entry in entries.values()] == [
        *(False, True, True),
        *([False] if split else []),
        False,
    ]
    files = read(tmp_path / "out.prototxt", tmp_path / "out.caffemodel")
    (w, _) = next(layer for layer in files.nets()[1].layer if layer.blobs).blobs
    step = next(entry["scale"] for entry in entries.values() if entry["is_weight"])
    steps = np.array(w.data, np.float32) / np.float32(step)
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-2)


@pytest.mark.parametrize("reader", ["7", "tensorflow"])
def test_an_unknown_reader_is_wrong_usage(reader: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["mge_to_caffe", "-i", "a", "-c", "b", "-b", "c", "--convert_backend", reader])
    assert raised.value.code == 2
    assert "caffe, snpe, trt, nnie" in capsys.readouterr().err


def test_the_readers_have_the_numbers_of_the_predecessor() -> None:
    assert {b.name: (b.value, b.dialect) for b in BackEnd} == {
        "CAFFE": (1, "bvlc"),
        "SNPE": (2, "snpe"),
        "TRT": (3, "trt"),
        "NNIE": (4, "nnie"),
    }

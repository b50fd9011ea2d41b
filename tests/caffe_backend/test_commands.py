"""The predecessor's functions and commands for Caffe, on a file of the zoo."""

from __future__ import annotations

from pathlib import Path

import pytest

import mgeconvert
from mgeconvert import BackEnd
from mgeconvert.cli import main
from mgeconvert.errors import ConversionFailed
from tests.caffe_backend.running import Files, run_opencv
from tests.zoo import feeds
from tests.zoo.test_convert import folder


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


def test_quantization_is_refused_by_name(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = tmp_path / "a.prototxt", tmp_path / "a.caffemodel"
    files = ["-i", str(source), "-c", str(paths[0]), "-b", str(paths[1])]
    assert main(["tracedmodule_to_caffe", *files, "--require_quantize"]) == 1
    assert "Caffe's format has no quantized layers" in capsys.readouterr().err
    assert main(["tracedmodule_to_caffe", *files, "--split_conv_relu"]) == 1
    assert "--split_conv_relu" in capsys.readouterr().err
    with pytest.raises(ConversionFailed, match="has no quantized layers"):
        mgeconvert.tracedmodule_to_caffe(source, *paths, require_quantize=True)
    assert not any(tmp_path.iterdir())


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

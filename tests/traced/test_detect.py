"""The format of a model file comes from its content, not from its name."""

import struct
from pathlib import Path

import pytest

from mgeconvert.errors import UnreadableSource
from mgeconvert.frontends import detect
from tests.traced.pickles import DATA

pytestmark = pytest.mark.core

# A ModelProto by hand: ir_version 8, a producer, an operator set, and an empty graph.
ONNX = b"\x08\x08\x12\x01x\x42\x04\x0a\x00\x10\x0d\x3a\x00"

HEADS = {
    "mge": [
        struct.pack("<I", 64) + b"\x10\0\0\0mgv2" + bytes(64),
        b"MGBC" + bytes(64),
        b"MGBS" + bytes(64),
        b"mgbtest0" + bytes(64),
    ],
    "onnx": [ONNX, ONNX[5:], b"\x3a\x82\x01" + bytes(130) + b"\x08\x03"],
    "traced": [b"\x80\x04N.", b"\x80\x03N.", b"\x80\x05N.", b"\x80\x02N."],
}


def put(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "model.bin"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(("expected", "data"), [(k, d) for k, ds in HEADS.items() for d in ds])
def test_known_formats(tmp_path, expected, data):
    assert detect(put(tmp_path, data)) == expected


def test_a_traced_module():
    assert detect(DATA / "float.tm") == "traced"


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (b"", ""),
        (b"\x80", ""),
        (b"\x08", ""),
        (b"\x08\x08", ""),
        (b"\x3a\x7f", ""),
        (ONNX[:-3], ""),
        (ONNX + b"\xff", ""),
        (ONNX + b"\x78\x01", ""),
        (b"\xff" * 64, ""),
        (bytes(64), ""),
        (b"#!/bin/sh\n", ""),
        (b"PK\x03\x04" + bytes(64), "zip"),
        (b"\x93NUMPY\x01\0", "numpy"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"\x1f\x8b\x08\0", "unpack"),
    ],
)
def test_other_files(tmp_path, data, hint):
    with pytest.raises(UnreadableSource, match=r"model\.bin") as caught:
        detect(put(tmp_path, data))
    assert caught.value.hint
    assert hint in caught.value.hint


def test_an_empty_file_is_called_empty(tmp_path):
    with pytest.raises(UnreadableSource, match="the file is empty"):
        detect(put(tmp_path, b""))


def test_files_that_cannot_be_opened(tmp_path):
    for path in (tmp_path / "missing.tm", tmp_path):
        with pytest.raises(UnreadableSource, match="cannot read"):
            detect(path)

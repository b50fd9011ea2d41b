"""Exporting a graph to Caffe, and running the files in OpenCV and in our own reader."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from google.protobuf import text_format

from mgeconvert.backends import Request, load
from mgeconvert.backends.caffe import schema
from mgeconvert.check.runners.opencv import Runtime
from mgeconvert.ir import Array, Graph
from tests.caffe_backend import reader


@dataclass(frozen=True)
class Options:
    """What the manifest's CaffeOptions has."""

    dialect: str = "bvlc"
    fuse_bn: bool = False
    in_place: bool = False
    split_conv_relu: bool = False
    use_empty_blobs: bool = False


@dataclass(frozen=True)
class Files:
    """The bytes of both files."""

    text: bytes
    binary: bytes

    def nets(self) -> tuple[schema.Message, schema.Message]:
        """Return the messages of the text and of the binary, which no reader would refuse."""
        text = text_format.Parse(self.text.decode(), schema.net_message())
        binary = schema.net_message()
        binary.ParseFromString(self.binary)
        return text, binary


def unobserved(name: str, graph: Graph) -> None:
    """See nothing of the passes."""


def export(graph: Graph, options: Options = Options()) -> Files:
    artifact = load("caffe").convert(
        graph, Request(options, "net", {"license": "none"}), unobserved
    )
    assert list(artifact.files) == ["net.prototxt", "net.caffemodel"]
    return Files(*(b"".join(bytes(c) for c in chunks) for chunks in artifact.files.values()))


def run_opencv(files: Files, feeds: Mapping[str, Array]) -> dict[str, Array]:
    """Return the outputs by name, as the check's own runner gets them."""
    runtime = Runtime()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "net.prototxt").write_bytes(files.text)
        (folder / "net.caffemodel").write_bytes(files.binary)
        runtime.open(str(folder / "net.prototxt"), format="caffe", outputs=())
        return runtime.run(feeds)


def run_reader(files: Files, feeds: Mapping[str, Array]) -> dict[str, Array]:
    """Return the outputs by name as the net has them, all of float32 and with axes."""
    text, binary = files.nets()
    given = {n: a.astype(np.float32).reshape(a.shape or (1,)) for n, a in feeds.items()}
    return reader.run(text, binary, given)


def same_message(files: Files) -> bool:
    """Whether text and binary say the same but for the weights."""
    text, binary = files.nets()
    for layer in binary.layer:
        layer.ClearField("blobs")
    return bool(text == binary)


def difference(want: Array, got: Array, *, tolerance: float) -> str:
    """Say how `got` differs from `want` by the largest error over the largest element.

    A net of float32 may hold whole numbers; these must be the same.
    """
    if want.shape == () and got.shape == (1,):
        got = got.reshape(())
    if want.shape != got.shape or got.dtype not in (np.float32, want.dtype):
        return f"{got.dtype}{got.shape} instead of {want.dtype}{want.shape}"
    wide = want.astype(np.float64)
    scale = float(np.abs(wide).max()) or 1.0
    error = float(np.abs(got.astype(np.float64) - wide).max()) / scale
    return (
        ""
        if error <= (tolerance if want.dtype == np.float32 else 0)
        else f"off by {error:.2g} of the largest element"
    )

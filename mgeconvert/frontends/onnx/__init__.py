"""ONNX models (`.onnx`), their weights mapped from the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mgeconvert.frontends import Watch, unwatched
from mgeconvert.frontends.onnx.lift import lift
from mgeconvert.frontends.onnx.read import read
from mgeconvert.ir import Graph

__all__ = ["lift", "read", "read_graph"]


def read_graph(
    path: Path,
    *,
    shapes: Mapping[str, Sequence[int | str]],
    outputs: Sequence[str],
    watch: Watch = unwatched,
) -> Graph:
    """Return the IR of the `.onnx` file at `path`; see `mgeconvert.frontends.read`."""
    return lift(read(path), shapes=shapes, outputs=outputs, watch=watch)

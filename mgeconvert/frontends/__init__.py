"""The readers of model files, and which of them a file is for, by its content."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, TypeAlias

from mgeconvert.errors import (
    ConversionFailed,
    ConvertError,
    Location,
    UnreadableSource,
    UnsafeSource,
    UnsupportedCase,
)

if TYPE_CHECKING:
    from mgeconvert.ir import Graph, Value

Format: TypeAlias = Literal["traced", "mge", "onnx"]

Watch: TypeAlias = "Callable[[str, Value], None]"
"""Is shown each tensor that the source computes, in order: the source's key of it, and its value.

A key is "ID:NAME" of a node of a TracedModule, where it comes once for each call of the module
that the node is in; the id of a variable of a dump; the name of a tensor in ONNX.
"""

READERS = ("traced", "mge", "onnx")
"""The formats that a conversion can begin with."""

HEAD = 16

AGAIN = "fetch the file again, or export it again"

ENDINGS = (".tm", ".mge", ".onnx")
"""How the names of models end, by custom."""

_OTHERS = {
    b"PK\x03\x04": "a zip archive: a torch file or an .npz?",
    b"\x93NUMPY": "a numpy array",
    b"\x89HDF": "an HDF5 file: a Keras model?",
    b"\x1f\x8b": "compressed: unpack it first",
}
"""Heads of files that are mistaken for models, and what to say."""

_MODEL_PROTO = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}
"""Fields of onnx.ModelProto and their wire types; 7 is the graph."""


def detect(path: Path) -> Format:
    """Return the format of the model file at `path`, whatever its name.

    Raise UnreadableSource for a file that is none, empty or not to be opened.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
            if found := _by_head(head):
                return found
            if _is_onnx(file, path.stat().st_size):
                return "onnx"
    except OSError as error:
        problem = f"cannot read the model: {error.strerror}"
        at = Location("source", path=str(path))
        raise UnreadableSource(problem, at=at, hint="see whether it is there for you") from error
    raise UnreadableSource(
        "the file is empty" if not head else "the file is no model of a known format",
        at=Location("source", path=str(path)),
        hint=_hint(head, path.suffix),
    )


def unwatched(key: str, value: Value) -> None:
    """Look at nothing."""


def read(
    path: Path,
    *,
    shapes: Mapping[str, Sequence[int | str]],
    outputs: Sequence[str],
    watch: Watch = unwatched,
) -> Graph:
    """Return the IR of the model file at `path`.

    `shapes` overrides the shapes of inputs by name; a text such as "N" is a symbolic dimension.
    `outputs` names end points; without them the model's own outputs are taken. Weights may be
    views of the mapped file. `watch` is shown the tensors on the way; what comes after may replace
    a value by another one of the same name. Raise ConversionFailed, or one ConvertError where
    nothing more could be found out; what is wrong with the file itself names the file.
    """
    format = detect(path)
    if format not in READERS:
        raise UnsupportedCase(f"{format} files cannot be read yet", at=Location("source"))
    module = importlib.import_module(f"mgeconvert.frontends.{format}")
    try:
        graph: Graph = module.read_graph(path, shapes=shapes, outputs=outputs, watch=watch)
    except ConversionFailed as failed:
        for problem in failed.problems:
            _name_file(problem, path, format)
        raise ConversionFailed(failed.problems) from failed
    except ConvertError as problem:
        _name_file(problem, path, format)
        raise
    return graph


def _name_file(problem: ConvertError, path: Path, format: Format) -> None:
    """Have a problem with the file itself say which file that is, and what to do."""
    if isinstance(problem, UnreadableSource | UnsafeSource):
        at = problem.at or Location(format)
        problem.at = at if at.path else replace(at, path=str(path))
        problem.hint = problem.hint or AGAIN


def _by_head(head: bytes) -> Format | None:
    if len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= 5:
        return "traced"
    if head.startswith((b"MGBC", b"MGBS", b"mgbtest0")) or head[8:12] == b"mgv2":
        return "mge"
    return None


def _is_onnx(file: BinaryIO, size: int) -> bool:
    """Return whether the file is a chain of fields of ModelProto with a graph among them."""
    at, seen = 0, set()
    while at < size:
        file.seek(at)
        chunk = file.read(HEAD)
        tag, start = _varint(chunk)
        value, used = _varint(chunk[start:])
        if not used or _MODEL_PROTO.get(tag >> 3) != tag & 7:
            return False
        seen.add(tag >> 3)
        at += start + used + (value if tag & 7 == 2 else 0)
    return at == size and 7 in seen


def _varint(data: bytes) -> tuple[int, int]:
    """Return a base-128 number and its length, which is 0 if there is none."""
    value = 0
    for index, byte in enumerate(data[:10]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, index + 1
    return 0, 0


def _hint(head: bytes, ending: str) -> str:
    for start, what in _OTHERS.items():
        if head.startswith(start):
            return f"it looks like {what}"
    if head and ending in ENDINGS:
        return f"if it was a {ending} file, it is damaged or not complete: {AGAIN}"
    return "models are .tm (megengine.save of a TracedModule), .mge and .onnx files"

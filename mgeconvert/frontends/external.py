"""The files that an ONNX model refers to, found without loading it; standard library only."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from mgeconvert.errors import UnreadableSource

MAX_FIELDS = 5_000_000
"""More than that are in no model that has its weights elsewhere."""

MODEL, GRAPH, NODE, ATTRIBUTE, TENSOR, ENTRY = range(6)
_PARTS = {
    MODEL: {7: GRAPH},
    GRAPH: {1: NODE, 5: TENSOR},
    NODE: {5: ATTRIBUTE},
    ATTRIBUTE: {5: TENSOR, 6: GRAPH, 10: TENSOR, 11: GRAPH},
    TENSOR: {13: ENTRY},
}
"""Fields of onnx.proto on the way to StringStringEntryProto of TensorProto.external_data."""
_KEY, _VALUE = 1, 2
_FIXED = {1: 8, 5: 4}
"""Wire types of a fixed number of bytes."""


def located(folder: Path, location: str) -> Path:
    """Return the path of external data that a model in `folder` places at `location`.

    Raises UnreadableSource for a place outside of the folder, also by a symbolic link.
    """
    parts = PurePosixPath(location)
    if not location or "\0" in location or parts.is_absolute() or ".." in parts.parts:
        raise UnreadableSource(f"external data at {location!r}, not beside the model")
    path = (folder / parts).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise UnreadableSource(f"external data at {location!r}, a link out of the folder")
    return path


def locations(path: Path) -> tuple[str, ...]:
    """Return the places of external data that the model at `path` names, sorted.

    What is damaged ends the search there: reading the model will tell. Raises UnreadableSource
    for a file that has more fields than any model, OSError where it cannot be read.
    """
    with path.open("rb") as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # an empty file cannot be mapped
            return ()
        with data:
            if data.find(b"location") < 0:
                return ()
            return tuple(sorted(set(_locations(data))))


def _locations(data: mmap.mmap) -> Iterator[str]:
    left = MAX_FIELDS
    todo = [(MODEL, 0, len(data))]
    while todo:
        kind, begin, end = todo.pop()
        entry: dict[int, bytes] = {}
        for number, at, stop in _fields(data, begin, end):
            left -= 1
            if not left:
                raise UnreadableSource(f"more than {MAX_FIELDS} fields, and data outside of it")
            if kind == ENTRY and number in (_KEY, _VALUE):
                entry[number] = data[at:stop]
            elif part := _PARTS.get(kind, {}).get(number):
                todo.append((part, at, stop))
        if entry.get(_KEY) == b"location":
            yield entry.get(_VALUE, b"").decode(errors="replace")


def _fields(data: mmap.mmap, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield number, begin and end of the fields of bytes in a message, until one is damaged."""
    while begin < end:
        tag, begin = _varint(data, begin, end)
        wire = tag & 7
        if wire in (0, 2):
            value, begin = _varint(data, begin, end)
        if begin > end or wire not in (0, 1, 2, 5):
            return
        size = value if wire == 2 else _FIXED.get(wire, 0)
        if size > end - begin:
            return
        if wire == 2:
            yield tag >> 3, begin, begin + size
        begin += size


def _varint(data: mmap.mmap, begin: int, end: int) -> tuple[int, int]:
    """Return a number and the place after it, which is beyond the end where it is damaged."""
    value = 0
    for index in range(min(10, end - begin)):
        byte = data[begin + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, begin + index + 1
    return 0, end + 1

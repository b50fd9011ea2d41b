"""The outer layer of a .mge file: which graphs it holds, and where their bytes are."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from mgeconvert.errors import UnreadableSource
from mgeconvert.frontends.mge.flatbuffer import Bytes, damaged
from mgeconvert.frontends.mge.records import Kind

TEST_HEAD = b"mgbtest0"
V1_IDENTIFIER = b"mgb1"
V2_IDENTIFIER = b"mgv2"
NO_MODEL = "this is not a .mge file that MegEngine's dump() writes"


@dataclass(frozen=True)
class Section:
    """One graph: its flatbuffer is data[begin:end]; version 1 has its constants at `blob`."""

    kind: Kind
    begin: int
    end: int
    blob: int = 0


@dataclass(frozen=True)
class Container:
    """The model's graph, and one more graph for each sample of test data."""

    model: Section
    tests: tuple[Section, ...] = ()


def is_mge(head: bytes) -> bool:
    """Tell whether a file that begins with these bytes (at least 12) is a .mge file."""
    if head[:8] == TEST_HEAD or head[:4] in (b"MGBC", b"MGBS"):
        return True
    return head[8:12] == V2_IDENTIFIER


def open_container(data: Bytes) -> Container:
    """Find the graphs of a file; graphs that were appended after the first are not read.

    Raises:
        UnreadableSource: the file is of another kind, or too short for what its head promises.
    """
    if not is_mge(data[:12].tobytes()):
        raise UnreadableSource(NO_MODEL)
    if data[:8].tobytes() != TEST_HEAD:
        return Container(_section(data, 0))
    count = _read(data, "I", 8)
    model = _section(data, 12)
    tests, place = [], model.end
    for _ in range(count):
        tests.append(_section(data, place))
        place = tests[-1].end
    return Container(model, tuple(tests))


def _section(data: Bytes, place: int) -> Section:
    head = data[place : place + 4].tobytes()
    if head == b"MGBC":  # then 8 bytes of features and 4 of padding
        return _v1(data, place + 16)
    if head == b"MGBS":  # then 4 bytes of padding
        return _v1(data, place + 8)
    end = place + 4 + _read(data, "I", place)
    _expect(data, place + 8, V2_IDENTIFIER)
    if end > len(data):
        damaged(f"the file ends at {len(data)}, before the end of the graph", place)
    return Section("fbs-v2", place + 4, end)


def _v1(data: Bytes, place: int) -> Section:
    """Read the head from the offset of the graph on; the constants lie in between."""
    blob = place + 8
    start = blob + _read(data, "Q", place)
    end = start + 4 + _read(data, "I", start)
    _expect(data, start + 8, V1_IDENTIFIER)
    if end > len(data):
        damaged(f"the file ends at {len(data)}, before the end of the graph", start)
    return Section("fbs-v1", start + 4, end, blob)


def _read(data: Bytes, code: str, place: int) -> int:
    size = struct.calcsize("<" + code)
    if place + size > len(data):
        damaged(f"the file ends at {len(data)}", place)
    number: int = struct.unpack("<" + code, data[place : place + size].tobytes())[0]
    return number


def _expect(data: Bytes, place: int, identifier: bytes) -> None:
    if not np.array_equal(data[place : place + 4], np.frombuffer(identifier, np.uint8)):
        damaged(f"{identifier.decode()} is not where it should be", place)

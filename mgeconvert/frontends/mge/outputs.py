"""A dump with other outputs, for MegEngine to show what is inside; standard library only."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from mgeconvert.errors import InternalError
from mgeconvert.frontends.mge.container import TEST_HEAD, Section, open_container
from mgeconvert.frontends.mge.flatbuffer import Bytes
from mgeconvert.frontends.mge.read import map_file

OUTPUT_SLOT = 4  # of `output_vars_idx` in the root table of both versions
ALIGNMENT = 8


def with_outputs(path: Path, ids: Sequence[int]) -> Iterator[bytes | memoryview]:
    """Yield the bytes of the model at `path` with the variables `ids` as its outputs, in order.

    The file must be one that `read` accepts. Flatbuffers point forward: the list of outputs goes
    behind everything else, and the root table is made to point there. Samples are left out.
    """
    data = map_file(path)
    model = open_container(data).model
    start = 12 if data[:8].tobytes() == TEST_HEAD else 0
    field = _field(data, model)
    padding = -(model.end - model.begin) % ALIGNMENT
    tail, vector = _outputs(ids, inline=model.kind == "fbs-v1")
    size = model.end - model.begin + padding + len(tail)
    yield data[start : model.begin - 4].data
    yield struct.pack("<I", size)
    yield data[model.begin : field].data
    yield struct.pack("<I", model.end + padding + vector - field)
    yield data[field + 4 : model.end].data
    yield bytes(padding) + tail


def _field(data: Bytes, model: Section) -> int:
    """Return where the root table points to its outputs."""
    table = model.begin + _number(data, "I", model.begin)
    description = table - _number(data, "i", table)
    if _number(data, "H", description) < 4 + 2 * (OUTPUT_SLOT + 1):
        raise InternalError("a dump without a list of outputs")
    return table + _number(data, "H", description + 4 + 2 * OUTPUT_SLOT)


def _number(data: Bytes, code: str, place: int) -> int:
    size = struct.calcsize("<" + code)
    number: int = struct.unpack("<" + code, data[place : place + size].tobytes())[0]
    return number


def _outputs(ids: Sequence[int], *, inline: bool) -> tuple[bytes, int]:
    """Return the bytes of a list of outputs, and where in them the vector begins.

    An entry is the id of the variable and a number of its own; version 2 has a table for each.
    """
    entries = [struct.pack("<II", made, index) for index, made in enumerate(ids)]
    count = struct.pack("<I", len(ids))
    if inline:
        return count + b"".join(entries), 0
    description = struct.pack("<HHHH", 8, 12, 4, 8)
    vector, tables = len(description), len(description) + 4 + 4 * len(ids)
    places = [tables + 12 * index for index in range(len(ids))]
    offsets = [place - (vector + 4 + 4 * index) for index, place in enumerate(places)]
    made = [struct.pack("<i", place) + entry for place, entry in zip(places, entries)]
    return description + count + struct.pack(f"<{len(ids)}I", *offsets) + b"".join(made), vector

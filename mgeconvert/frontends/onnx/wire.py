"""The wire format of a ModelProto, as far as cutting the weights out of it needs; no protobuf."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mgeconvert.errors import UnreadableSource

GRAPH, INITIALIZER, RAW_DATA = 7, 5, 9  # field numbers in ModelProto, GraphProto, TensorProto
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types; groups are not used


@dataclass(frozen=True)
class Field:
    """One field: its number, its wire type, and the places of its tag, its contents and its end."""

    number: int
    kind: int
    start: int
    body: int
    end: int


@dataclass(frozen=True)
class Stripped:
    """A model without the raw data of its initializers, and where in the file those are.

    `raw` has one item for each initializer in order: the places of its first and last byte + 1, or
    None where it has no raw data.
    """

    model: bytes
    raw: tuple[tuple[int, int] | None, ...]


def strip(data: memoryview) -> Stripped:
    """Cut the raw data of the initializers out of the bytes of a model.

    Raises:
        UnreadableSource: the fields are not those of a message; the problem has the byte offset.
    """
    parts: list[bytes] = []
    raw: list[tuple[int, int] | None] = []
    for field in fields(data, 0, len(data)):
        if (field.number, field.kind) == (GRAPH, BYTES):
            parts.append(_message(GRAPH, _graph(data, field, raw)))
        else:
            parts.append(bytes(data[field.start : field.end]))
    return Stripped(b"".join(parts), tuple(raw))


def fields(data: memoryview, start: int, end: int) -> Iterator[Field]:
    """Yield the fields of the message between two places."""
    at = start
    while at < end:
        tag, body = _varint(data, at, end)
        kind, size = tag & 7, 0
        if kind == VARINT:
            _, after = _varint(data, body, end)
        elif kind == BYTES:
            size, body = _varint(data, body, end)
            after = body + size
        elif kind in (FIXED32, FIXED64):
            after = body + (4 if kind == FIXED32 else 8)
        else:
            raise UnreadableSource(f"the file is damaged at byte {at}: no field begins there")
        if after > end:
            raise UnreadableSource(f"the file is damaged at byte {at}: a field ends behind its end")
        yield Field(tag >> 3, kind, at, body, after)
        at = after


def _graph(data: memoryview, graph: Field, raw: list[tuple[int, int] | None]) -> bytes:
    parts: list[bytes] = []
    first = graph.body  # of what is copied as it is
    for field in fields(data, graph.body, graph.end):
        if (field.number, field.kind) != (INITIALIZER, BYTES):
            continue
        parts += [
            bytes(data[first : field.start]),
            _message(INITIALIZER, _tensor(data, field, raw)),
        ]
        first = field.end
    return b"".join([*parts, bytes(data[first : graph.end])])


def _tensor(data: memoryview, tensor: Field, raw: list[tuple[int, int] | None]) -> bytes:
    parts, place = [], None
    for field in fields(data, tensor.body, tensor.end):
        if (field.number, field.kind) == (RAW_DATA, BYTES):
            place = (field.body, field.end)
        else:
            parts.append(bytes(data[field.start : field.end]))
    raw.append(place)
    return b"".join(parts)


def _message(number: int, body: bytes) -> bytes:
    return bytes([number << 3 | BYTES]) + _encoded(len(body)) + body


def _encoded(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _varint(data: memoryview, at: int, end: int) -> tuple[int, int]:
    """Return the base-128 number at a place, and the place after it."""
    value = 0
    for shift, place in enumerate(range(at, min(at + 10, end))):
        value |= (data[place] & 0x7F) << 7 * shift
        if data[place] < 0x80:
            return value, place + 1
    raise UnreadableSource(f"the file is damaged at byte {at}: a number has no end")

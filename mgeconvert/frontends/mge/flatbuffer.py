"""A table-driven flatbuffer reader that checks every offset and bounds its own work."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from mgeconvert.errors import UnreadableSource
from mgeconvert.frontends.mge.schema import SIZES, Enum, Field, Schema, Table

Bytes = npt.NDArray[np.uint8]
Record = Mapping[str, Any]

# A sound file has few bytes that belong to several tables (descriptions of tables, device names),
# and vectors of bytes are not walked: MegEngine's own dumps need 1.5, a chain of the operator with
# the most parameters 2.3 visits per byte. Without a bound, tables that share their parts could cost
# the square of the file's size, and empty ones, which become records full of defaults, much memory.
VISITS_PER_BYTE = 8
BYTES_PER_FIELD = 4
FREE_VISITS = 4096


def damaged(problem: str, offset: int) -> NoReturn:
    """Raise UnreadableSource for a problem at a byte offset of the file."""
    raise UnreadableSource(f"damaged .mge file: {problem} at byte {offset}")


class FlatBuffer:
    """Decode the tables of one flatbuffer into dicts of plain values.

    `data` are the bytes of the whole file; the flatbuffer is data[begin:end]. Offsets in errors
    count from the start of the file. Missing fields get their defaults, enums become names (an
    unknown number stays a number), vectors become tuples, vectors of bytes become views on
    `data`, a union becomes {"type": name, "value": dict}.
    """

    def __init__(self, data: Bytes, *, begin: int, end: int, schema: Schema) -> None:
        self._data, self._begin, self._end = data, begin, end
        self._view = data.data
        self._schema = schema
        self._visits = FREE_VISITS + VISITS_PER_BYTE * (end - begin)

    def root(self, name: str) -> Record:
        """Decode the root table, whose offset is the first word."""
        return self._table(self._schema.tables[name], self._follow(self._begin))

    def _check(self, offset: int, size: int) -> None:
        if offset < self._begin or size > self._end - offset:
            damaged(f"{size} bytes reach outside the graph", offset)

    def _visit(self, offset: int, size: int) -> None:
        self._visits -= size
        if self._visits < 0:
            damaged("too many tables share their parts", offset)

    def _unpack(self, code: str, offset: int) -> Any:
        self._check(offset, SIZES[code])
        return struct.unpack_from("<" + code, self._view, offset)[0]

    def _follow(self, offset: int) -> int:
        distance: int = self._unpack("I", offset)
        return offset + distance

    def _table(self, table: Table, offset: int) -> Record:
        slots, size = self._vtable(offset)
        self._visit(offset, max(size + 2 * len(slots) + 4, BYTES_PER_FIELD * len(table.fields)))
        record: dict[str, Any] = {}
        for field in table.fields:
            place = slots[field.position] if field.position < len(slots) else 0
            if place >= size:
                damaged(f"field {table.name}.{field.name} is outside its table", offset)
            if field.kind == "union":
                record[field.name] = self._union(field, offset, slots)
            elif place:
                record[field.name] = self._field(field, offset + place)
            else:
                record[field.name] = self._default(field)
        return record

    def _vtable(self, offset: int) -> tuple[tuple[int, ...], int]:
        """Return the field places of a table and its size in bytes."""
        place = offset - self._unpack("i", offset)
        self._check(place, 4)
        length, size = struct.unpack_from("<HH", self._view, place)
        if length < 4 or length % 2 or size < 4:
            damaged("a table has no sound description", offset)
        self._check(place, length)
        self._check(offset, size)
        slots = struct.unpack_from(f"<{length // 2 - 2}H", self._view, place + 4)
        return slots, size

    def _default(self, field: Field) -> Any:
        if field.shape == "vector":
            return ()
        if field.kind == "enum":
            return enum_name(self._schema.enums[field.target], field.default)
        return "" if field.kind == "string" else field.default

    def _field(self, field: Field, offset: int) -> Any:
        if field.shape == "vector":
            return self._vector(field, self._follow(offset))
        if field.kind == "string":
            return self._string(self._follow(offset))
        if field.kind == "table":
            return self._table(self._schema.tables[field.target], self._follow(offset))
        if field.kind == "struct":
            return self._structs(self._schema.tables[field.target], offset, 1)[0]
        value = self._unpack(field.code, offset)
        return enum_name(self._schema.enums[field.target], value) if field.target else value

    def _union(self, field: Field, offset: int, slots: tuple[int, ...]) -> Any:
        """Decode the pair of slots of a union, or of a vector of unions; None where nothing is."""
        places = [slots[p] if p < len(slots) else 0 for p in (field.position, field.position + 1)]
        if field.shape == "vector":
            return self._unions(field, offset, places)
        number = self._unpack("B", offset + places[0]) if places[0] else 0
        return self._member(field, number, offset + places[1] if places[1] else 0)

    def _unions(self, field: Field, offset: int, places: list[int]) -> tuple[Record | None, ...]:
        if not all(places):
            return ()
        numbers_at, values_at = (self._follow(offset + place) for place in places)
        count = self._count(numbers_at, 1)
        if self._count(values_at, 4) != count:
            damaged(f"the two vectors of {field.name} have different lengths", offset)
        self._visit(values_at, 5 * count)
        numbers = self._view[numbers_at + 4 : numbers_at + 4 + count]
        return tuple(
            self._member(field, number, values_at + 4 + 4 * index)
            for index, number in enumerate(numbers)
        )

    def _member(self, field: Field, number: int, place: int) -> Record | None:
        if not number:
            return None
        name = self._schema.unions[field.target].get(number)
        if name is None:
            return {"type": f"#{number}", "value": {}}
        if not place:
            damaged(f"{field.name} has a type but no value, before the table", self._begin)
        return {"type": name, "value": self._table(self._schema.tables[name], self._follow(place))}

    def _count(self, offset: int, size: int) -> int:
        count: int = self._unpack("I", offset)
        self._check(offset + 4, count * size)
        return count

    def _string(self, offset: int) -> str:
        count = self._count(offset, 1)
        self._visit(offset, count + 4)
        try:
            return str(self._view[offset + 4 : offset + 4 + count], "utf-8")
        except UnicodeDecodeError:
            damaged("a name is not UTF-8", offset)

    def _vector(self, field: Field, offset: int) -> Any:
        if field.code == "B":
            count = self._count(offset, 1)
            return self._data[offset + 4 : offset + 4 + count]
        if field.kind == "scalar":
            count = self._count(offset, SIZES[field.code])
            self._visit(offset, 4 + SIZES[field.code] * count)
            return struct.unpack_from(f"<{count}{field.code}", self._view, offset + 4)
        if field.kind == "struct":
            table = self._schema.tables[field.target]
            count = self._count(offset, table.size)
            self._visit(offset, 4 + table.size * count)
            return self._structs(table, offset + 4, count)
        count = self._count(offset, 4)
        self._visit(offset, 4 + 4 * count)
        starts = range(offset + 4, offset + 4 + 4 * count, 4)
        if field.kind == "string":
            return tuple(self._string(self._follow(start)) for start in starts)
        table = self._schema.tables[field.target]
        return tuple(self._table(table, self._follow(start)) for start in starts)

    def _structs(self, table: Table, offset: int, count: int) -> tuple[Record, ...]:
        self._check(offset, table.size * count)
        starts = range(offset, offset + table.size * count, table.size)
        return tuple(
            {
                field.name: self._struct_field(field, start + field.position)
                for field in table.fields
            }
            for start in starts
        )

    def _struct_field(self, field: Field, offset: int) -> Any:
        if field.shape == "array":
            return bytes(self._view[offset : offset + field.length])
        value = self._unpack(field.code, offset)
        return enum_name(self._schema.enums[field.target], value) if field.target else value


def enum_name(enum: Enum, value: int) -> str | int | tuple[str, ...]:
    """Return the name of a value, the names of its bits, or the number where it has none."""
    if not enum.bit_flags:
        return enum.names.get(value, value)
    bits = [number for number in range(value.bit_length()) if value >> number & 1]
    if all(bit in enum.names for bit in bits):
        return tuple(enum.names[bit] for bit in bits)
    return value

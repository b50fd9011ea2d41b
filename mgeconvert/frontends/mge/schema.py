"""The field tables of MegEngine's two graph formats, compiled for the flatbuffer reader."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

SCALARS: Mapping[str, str] = {
    "bool": "?",
    "byte": "b",
    "ubyte": "B",
    "int": "i",
    "uint": "I",
    "ulong": "Q",
    "float": "f",
    "double": "d",
}
SIZES: Mapping[str, int] = {"?": 1, "b": 1, "B": 1, "i": 4, "I": 4, "Q": 8, "f": 4, "d": 8}

Kind = Literal["scalar", "enum", "string", "struct", "table", "union"]
Shape = Literal["one", "array", "vector"]


@dataclass(frozen=True)
class Enum:
    """An enumeration: how it is stored, and the names of its values."""

    code: str
    names: Mapping[int, str]
    bit_flags: bool


@dataclass(frozen=True)
class Field:
    """One field: `kind` is what an element is, `shape` whether there is one, `length` or a vector.

    `position` is the vtable slot in a table and the byte offset in a struct. `target` names the
    table, struct, enum or union; `code` is the struct-module code of a scalar or an enum.
    """

    name: str
    kind: Kind
    shape: Shape
    position: int
    target: str = ""
    code: str = ""
    length: int = 1
    default: Any = None


@dataclass(frozen=True)
class Table:
    """The fields of a table or struct; `size` and `align` are in bytes and for structs only."""

    name: str
    fields: tuple[Field, ...]
    is_struct: bool
    size: int = 0
    align: int = 1


@dataclass(frozen=True)
class Schema:
    """Everything the reader has to know about one format."""

    tables: Mapping[str, Table]
    enums: Mapping[str, Enum]
    unions: Mapping[str, Mapping[int, str]]


@lru_cache(maxsize=2)
def load_schema(version: Literal[1, 2]) -> Schema:
    """Return the compiled tables of graph format 1 or 2."""
    source = files(__package__).joinpath("tables") / f"v{version}.json"
    data = json.loads(source.read_text(encoding="utf-8"))
    kinds = data["enums"]
    enums = {
        name: Enum(SCALARS[item["base"]], _numbered(item["members"]), item["bit_flags"])
        for name, item in kinds.items()
        if item["kind"] == "enum"
    }
    unions = {
        name: _numbered(item["members"]) for name, item in kinds.items() if item["kind"] == "union"
    }
    tables: dict[str, Table] = {}
    structs = {name for name, item in data["tables"].items() if item["kind"] == "struct"}
    for name, item in data["tables"].items():
        fields = tuple(_field(entry, enums, unions, structs) for entry in item["fields"])
        tables[name] = _struct(name, fields) if name in structs else Table(name, fields, False)
    return Schema(tables, enums, unions)


def _numbered(members: Mapping[str, str]) -> Mapping[int, str]:
    return {int(number): name for number, name in members.items()}


def _field(
    entry: Mapping[str, Any],
    enums: Mapping[str, Enum],
    unions: Mapping[str, Mapping[int, str]],
    structs: set[str],
) -> Field:
    written: str = entry["type"]
    target = written.strip("[]")
    shape: Shape = "vector" if written.startswith("[") else "array" if "len" in entry else "one"
    name, position = entry["name"], entry["slot"]
    default = entry.get("default")
    if target in SCALARS:
        code = SCALARS[target]
        length = entry.get("len", 1)
        return Field(name, "scalar", shape, position, "", code, length, _number(code, default))
    if target in enums:
        value = _enum_default(enums[target], default)
        return Field(name, "enum", shape, position, target, enums[target].code, 1, value)
    kind: Kind = "table"
    if target == "string":
        kind = "string"
    elif target in unions:
        kind = "union"
    elif target in structs:
        kind = "struct"
    return Field(name, kind, shape, position, target)


def _number(code: str, text: str | None) -> int | float | bool:
    if code == "?":
        return text == "true"
    return float(text or 0) if code in "fd" else int(text or 0)


def _enum_default(enum: Enum, text: str | None) -> int:
    """Return the stored number; a default is a name, or a number where flags are combined."""
    if text is None:
        return 0
    if text.lstrip("-").isdigit():
        return int(text)
    number = next(number for number, name in enum.names.items() if name == text)
    return 1 << number if enum.bit_flags else number


def _struct(name: str, fields: tuple[Field, ...]) -> Table:
    """Lay out a struct: each field aligned to its own size, the whole to the largest."""
    placed, offset, align = [], 0, 1
    for field in fields:
        size = SIZES[field.code]
        offset += -offset % size
        placed.append(
            Field(
                field.name,
                field.kind,
                field.shape,
                offset,
                field.target,
                field.code,
                field.length,
                field.default,
            )
        )
        offset += size * field.length
        align = max(align, size)
    return Table(name, tuple(placed), True, offset + -offset % align, align)

"""How a dataclass says that its fields are keys of the manifest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any

from mgeconvert.manifest.kinds import Flag, Kind, Text


@dataclass(frozen=True)
class Table:
    """A table of keys that the dataclass `of` defines."""

    of: type

    @property
    def expected(self) -> str:
        return "a table"


@dataclass(frozen=True)
class Tables:
    """A table whose keys are free names and whose values are tables of `of`."""

    of: type
    names: Text

    @property
    def expected(self) -> str:
        return "a table of tables"


@dataclass(frozen=True)
class Key:
    """One key as the manifest spells it; `planned` ones have no effect yet and are refused."""

    name: str
    kind: Kind | Table | Tables
    doc: str
    default: str
    planned: bool


def key(kind: Kind | Table | Tables, doc: str, *, default: str = "") -> dict[str, Any]:
    """Return a field's metadata; `default` tells a default that is no plain value."""
    return {"kind": kind, "doc": doc, "default": default, "planned": False}


def planned(doc: str) -> dict[str, Any]:
    """Return the metadata of a known key that has no effect yet."""
    return {"kind": Flag(), "doc": doc, "default": "", "planned": True}


def _default(item: Field[Any]) -> str:
    if item.metadata["default"]:
        return str(item.metadata["default"])
    if item.default in (MISSING, None, "", ()) or isinstance(item.metadata["kind"], Table | Tables):
        return "none"
    return f'"{item.default}"' if isinstance(item.default, str) else str(item.default).lower()


def keys(table: type) -> Iterator[Key]:
    """Yield the keys that the dataclass `table` defines; fields without a kind are none."""
    for item in fields(table):
        meta = item.metadata
        if "kind" in meta:
            yield Key(item.name, meta["kind"], meta["doc"], _default(item), meta["planned"])

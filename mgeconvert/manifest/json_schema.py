"""The manifest's schema as JSON Schema (draft 2020-12), for editors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mgeconvert.manifest.keys import Key, Table, Tables
from mgeconvert.manifest.kinds import Kind
from mgeconvert.manifest.schema import Document, Target
from mgeconvert.manifest.tables import table_keys, target_keys


def json_schema() -> dict[str, Any]:
    """Return the schema of the whole manifest.

    It holds for single tables. What several keys decide together, or what needs the file system,
    only loading judges. Keys without effect yet are refused by it too.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mgeconvert manifest",
        **_table(table_keys(Document)),
        "required": ["format"],
    }


def _table(keys: Mapping[str, Key]) -> dict[str, Any]:
    properties = {key.name: _key(key) for key in keys.values() if not key.planned}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _key(key: Key) -> dict[str, Any]:
    return {"description": key.doc, **_kind(key.kind)}


def _kind(kind: Kind | Table | Tables) -> dict[str, Any]:
    if isinstance(kind, Table):
        return _table(table_keys(kind.of))
    if isinstance(kind, Tables):
        table = target_keys(None) if kind.of is Target else table_keys(kind.of)
        names = kind.names.schema()
        return {"type": "object", "propertyNames": names, "additionalProperties": _table(table)}
    return kind.schema()

"""Reading raw tables by the schema: unknown keys, wrong values, keys without effect yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from mgeconvert.manifest.checks import CheckSettings
from mgeconvert.manifest.faults import KeyPath, describe, suggest
from mgeconvert.manifest.keys import Key, Table, Tables, keys
from mgeconvert.manifest.kinds import Choice
from mgeconvert.manifest.options import FORMATS, IMPOSSIBLE, OPTIONS, QuantizationKeys
from mgeconvert.manifest.schema import Defaults, InputSpec, Limits, Model, Target

Raw = Mapping[str, Any]
Report = Callable[[KeyPath, str, str], None]
"""Takes the key path, what is wrong, and a hint."""


@cache
def table_keys(table: type) -> Mapping[str, Key]:
    """Return the keys of a table of the schema, by name."""
    if table is Defaults:
        return default_keys()
    return {key.name: key for key in keys(table)}


@cache
def target_keys(format: str | None) -> Mapping[str, Key]:
    """Return the keys of a target of `format`, or of any format for None."""
    own = [OPTIONS[format]] if format else list(OPTIONS.values())
    extra = {name: key for table in own for name, key in table_keys(table).items()}
    return {**table_keys(Target), **extra}


@cache
def default_keys() -> Mapping[str, Key]:
    """Return the keys of `[defaults]`: those of models, and those of targets but `format`."""
    found = {**target_keys(None), **table_keys(Model)}
    del found["format"]
    return found


def read_table(raw: Raw, allowed: Mapping[str, Key], *, at: KeyPath, report: Report) -> Raw:
    """Return the accepted keys with their values in frozen form, and report all others."""
    found = {}
    for name, value in raw.items():
        path, key = (*at, name), allowed.get(name)
        if key is None:
            report(path, "unknown key", _hint(name, allowed))
        elif key.planned:
            report(path, "this key is not yet supported", "")
        elif _fits(key, value):
            found[name] = _read(key, value, at=path, report=report)
        else:
            report(
                path, f"expected {key.kind.expected}, found {describe(value)}", _near(key, value)
            )
    return found


def _fits(key: Key, value: object) -> bool:
    if isinstance(key.kind, Table | Tables):
        return isinstance(value, dict)
    return key.kind.accepts(value)


def _read(key: Key, value: Any, *, at: KeyPath, report: Report) -> Any:
    if isinstance(key.kind, Table):
        return read_table(value, table_keys(key.kind.of), at=at, report=report)
    if isinstance(key.kind, Tables):
        return _read_tables(key.kind, value, at=at, report=report)
    return key.kind.read(value)


def _read_tables(kind: Tables, raw: Raw, *, at: KeyPath, report: Report) -> Raw:
    found = {}
    for name, value in raw.items():
        path = (*at, name)
        if not kind.names.accepts(name):
            report(path, f"expected a name of {kind.names.expected}", "")
        elif not isinstance(value, dict):
            report(path, f"expected a table, found {describe(value)}", "")
        else:
            format = _format(name, value) if kind.of is Target else None
            allowed = target_keys(format) if kind.of is Target else table_keys(kind.of)
            impossible = IMPOSSIBLE.get(format or "", {})
            for key in value.keys() & impossible.keys():
                report(
                    (*path, key), f"targets of format {format} have no such key", impossible[key]
                )
            rest = {key: item for key, item in value.items() if key not in impossible}
            found[name] = read_table(rest, allowed, at=path, report=report)
    return found


def _format(name: str, target: Raw) -> str | None:
    """Return the format that a target's table tells, by a key or by its name."""
    format = target.get("format", name)
    return format if isinstance(format, str) and format in FORMATS else None


def _near(key: Key, value: object) -> str:
    if isinstance(key.kind, Choice) and isinstance(value, str):
        return suggest(value, key.kind.options)
    return ""


def _hint(name: str, allowed: Mapping[str, Key]) -> str:
    """Return the nearest key, or the tables in which the key has a meaning."""
    near = suggest(name, allowed)
    if near:
        return near
    homes = {
        "a model": table_keys(Model),
        "a target": table_keys(Target),
        "an input": table_keys(InputSpec),
        '"check"': table_keys(CheckSettings),
        '"limits"': table_keys(Limits),
        '"quantization"': table_keys(QuantizationKeys),
        **{f"a target of format {format}": table_keys(table) for format, table in OPTIONS.items()},
    }
    fitting = [home for home, known in homes.items() if name in known]
    return f"it is a key of {' and of '.join(fitting)}" if fitting else ""

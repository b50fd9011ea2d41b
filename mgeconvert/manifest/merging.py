"""Merging tables: what a model says over what `[defaults]` say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mgeconvert.manifest.options import FORMATS
from mgeconvert.manifest.schema import Target
from mgeconvert.manifest.tables import table_keys, target_keys

Raw = Mapping[str, Any]

SHARED = ("expect", "reason", "error", "check")
"""The keys that models and targets both have: a target falls back on its model's."""


EXPECTED = ("expect", "reason", "error")
"""Those of them that come to a target by its model alone."""


def merge(*layers: Raw) -> dict[str, Any]:
    """Return the union of the tables, key by key in depth, later ones over earlier ones."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            under = merged.get(name)
            if isinstance(under, dict) and isinstance(value, dict):
                merged[name] = merge(under, value)
            else:
                merged[name] = value
    return merged


def format_of(name: str, target: Raw, defaults: Raw) -> str:
    """Return the format of a target: its own, that of its namesake in `[defaults]`, or its name."""
    namesake = defaults.get("targets", {}).get(name, {})
    return str(target.get("format", namesake.get("format", name)))


def model_table(model: Raw, defaults: Raw) -> dict[str, Any]:
    """Return the model's keys over those of `[defaults]`, with `targets` still unmerged.

    A model that has targets has these alone; one that has none has those of `[defaults]`.
    """
    merged = merge(defaults, model)
    common: Raw = {name: {} for name in defaults.get("targets", {})}
    merged["targets"] = model.get("targets") or common
    return merged


def target_table(name: str, target: Raw, *, model: Raw, defaults: Raw) -> dict[str, Any]:
    """Return the target's keys over all that stand for it elsewhere, from far to near.

    These are: keys of targets in `[defaults]`; the table in `[defaults.targets]` with the
    target's name, else with its format's; `[check]` of the model; the target itself.
    """
    format = format_of(name, target, defaults)
    if format not in FORMATS:
        return merge(target, {"format": format})
    allowed = target_keys(format)
    flat = {k: v for k, v in defaults.items() if k in allowed and k not in EXPECTED}
    tables = defaults.get("targets", {})
    below = tables.get(name, tables.get(format, {}))
    known = {k: v for k, v in below.items() if k in allowed}
    own = {"check": model["check"]} if "check" in model else {}
    return merge(flat, known, own, target, {"format": format})


def option_values(table: Raw, format: str) -> dict[str, Any]:
    """Return the keys that only targets of `format` have."""
    own = target_keys(format).keys() - table_keys(Target).keys()
    return {name: table[name] for name in own if name in table}

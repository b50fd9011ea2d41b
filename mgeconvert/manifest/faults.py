"""What is wrong with the files of a manifest, collected so that all of it is told at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mgeconvert.errors import ConversionFailed, Location, ManifestError
from mgeconvert.manifest.lines import Position, positions

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong at the key `path` of one file."""

    file: str
    path: KeyPath
    problem: str
    hint: str = ""
    position: Position | None = None


@dataclass
class Faults:
    """The faults found so far, and the texts of the files to find their lines in."""

    texts: dict[str, str] = field(default_factory=dict)
    found: dict[tuple[str, KeyPath, str], Fault] = field(default_factory=dict)

    def add(self, fault: Fault) -> None:
        """Keep the fault, once."""
        self.found.setdefault((fault.file, fault.path, fault.problem), fault)

    def raise_any(self) -> None:
        """Raise ConversionFailed with a ManifestError for each fault, by file and line."""
        if not self.found:
            return
        known = {file: positions(text) for file, text in self.texts.items()}
        order = list(self.texts)
        located = []
        for fault in self.found.values():
            place = fault.position or _nearest(fault.path, known.get(fault.file, {}))
            rank = order.index(fault.file) if fault.file in order else len(order)
            located.append(((rank, place or Position(0, 0)), _error(fault, place)))
        raise ConversionFailed([error for _, error in sorted(located, key=lambda item: item[0])])


def _nearest(path: KeyPath, known: dict[KeyPath, Position]) -> Position | None:
    """Return where the key is, or the innermost table around it that is written."""
    return next(
        (known[path[:size]] for size in range(len(path), 0, -1) if path[:size] in known), None
    )


def _error(fault: Fault, place: Position | None) -> ManifestError:
    where = fault.file if place is None else f"{fault.file}:{place.line}:{place.column}"
    at = Location("manifest", name=spell(fault.path), path=where)
    return ManifestError(fault.problem, at=at, hint=fault.hint)


def spell(path: KeyPath) -> str:
    """Return the key path as TOML spells it: models."a b".source."""
    return ".".join(
        str(part) if re.fullmatch(r"[A-Za-z0-9_-]+", str(part)) else f'"{part}"' for part in path
    )


def describe(value: object) -> str:
    """Return a value of the manifest in a few words, as TOML spells it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, int) and abs(value) >= 10**30:
        return "a huge number"
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= 60 else f'"{value[:57]}..."'
    if isinstance(value, list):
        items = ", ".join("[...]" if isinstance(i, list) else describe(i) for i in value[:4])
        return f"[{items}{', ...' if len(value) > 4 else ''}]"
    return str(value)


def suggest(word: str, known: Iterable[str]) -> str:
    """Return "did you mean" with the nearest known word, or nothing."""
    from difflib import get_close_matches  # only a wrong manifest pays for this import

    near: Sequence[str] = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else ""

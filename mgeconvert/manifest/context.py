"""One file of the manifest while it is read, and where its faults are reported."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from mgeconvert.manifest.faults import Fault, Faults, KeyPath, describe
from mgeconvert.manifest.paths import Folder

OUTSIDE = "allow_outside = true permits it"


@dataclass(frozen=True)
class Context:
    """The file `file` in `folder`: its tables as written (`raw`) and as accepted (`read`)."""

    file: str
    folder: Folder
    raw: Mapping[str, Any]
    read: Mapping[str, Any]
    faults: Faults

    @property
    def defaults(self) -> Mapping[str, Any]:
        """The accepted keys of `[defaults]`."""
        defaults: Mapping[str, Any] = self.read.get("defaults", {})
        return defaults

    def report(self, path: KeyPath, problem: str, hint: str = "") -> None:
        """Keep a fault of this file."""
        self.faults.add(Fault(self.file, path, problem, hint))

    def holder(self, model: str, *keys: str) -> KeyPath:
        """Return the path at which a key of a model is written: in the model or in `[defaults]`."""
        own: KeyPath = ("models", model, *keys)
        common: KeyPath = ("defaults", *keys)
        return common if self.wrote(common) and not self.wrote(own) else own

    def wrote(self, path: KeyPath) -> bool:
        """Tell whether the file has the key, accepted or not."""
        return self.value(path) is not None

    def value(self, path: KeyPath) -> Any:
        """Return what the file says at the key path, None if nothing."""
        table: Any = self.raw
        for part in path:
            table = table.get(part) if isinstance(table, dict) else None
        return table

    def keys(self, path: KeyPath) -> AbstractSet[str]:
        """Return the keys of the table at the key path, none if the file has no table there."""
        table = self.value(path)
        return table.keys() if isinstance(table, dict) else frozenset()

    def inside(self, at: KeyPath, path: str, *, outside: bool) -> str | None:
        """Return the path resolved, or report that it leaves the folder."""
        resolved = self.folder.resolve(path, outside=outside)
        if resolved is None:
            self.report(at, f"{describe(path)} leaves the manifest's folder", OUTSIDE)
        return resolved

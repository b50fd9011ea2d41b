"""The paths of a manifest: relative to its folder, and inside it unless told otherwise."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

RESERVED = re.compile(r"(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")


@dataclass(frozen=True)
class Folder:
    """The folder of one manifest, without symbolic links, and the folders resolved so far."""

    path: str
    known: dict[str, str] = field(default_factory=dict)

    def resolve(self, path: str, *, outside: bool) -> str | None:
        """Return `path` as an absolute one without symbolic links.

        None if it leaves the folder, unless `outside` permits that.
        """
        resolved = self._real(os.path.join(self.path, path))
        return resolved if outside or _is_within(resolved, self.path) else None

    def _real(self, path: str) -> str:
        """Return what os.path.realpath does, resolving each parent folder only once."""
        head, tail = os.path.split(path)
        if tail in ("", ".", ".."):
            return os.path.realpath(path)
        if head not in self.known:
            self.known[head] = os.path.realpath(head)
        found = os.path.join(self.known[head], tail)
        return os.path.realpath(found) if os.path.islink(found) else found

    def matches(self, pattern: str, *, outside: bool) -> list[str] | None:
        """Return the files that a glob names, sorted, as it spells them; None if it leaves."""
        from glob import glob  # only few manifests need it

        leaves = os.path.isabs(pattern) or os.path.normpath(pattern).split(os.sep)[0] == ".."
        if leaves and not outside:
            return None
        found = glob(pattern, root_dir=self.path, recursive=True)
        return sorted(name for name in found if os.path.isfile(os.path.join(self.path, name)))


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def is_glob(path: str) -> bool:
    """Tell whether the path has a character that a glob gives a meaning."""
    return any(char in path for char in "*?[")


def stem(path: str) -> str:
    """Return the file's name without its last ending."""
    return os.path.splitext(os.path.basename(path))[0]


def is_safe_name(name: str) -> bool:
    """Tell whether a name that NAME accepts is also a file's name on every system."""
    return not name.endswith(".") and RESERVED.fullmatch(name) is None

"""A content-addressed store of artifacts and of the records of results; standard library only."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mgeconvert.build.files import (
    TEMPORARY,
    copy_file,
    locked,
    replace_file,
    sync_folder,
    temporary,
)
from mgeconvert.build.hashing import canonical, hash_and_write, sha256_file

# Version of the layout below; part of the path, so that another layout never mixes with this one.
LAYOUT = 1
SWEEP_SECONDS = 24 * 3600.0
DAY_SECONDS = 24 * 3600.0
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Collected:
    """How many records and objects nobody needs, and the bytes of the objects."""

    records: int
    objects: int
    size: int


class Store(Protocol):
    """Where results live: objects by the SHA-256 of their bytes, records by key."""

    def record(self, key: str) -> dict[str, Any] | None:
        """Return the record of `key`, or None where there is none or it is damaged."""

    def put_record(self, key: str, record: dict[str, Any]) -> None:
        """Make `record` the record of `key`, durably and at once."""

    def drop_record(self, key: str) -> None:
        """Forget the record of `key`."""

    def has(self, sha256: str, size: int) -> bool:
        """Say whether an object of this size is there; its bytes are not read."""

    def put(self, chunks: Iterable[bytes | memoryview]) -> tuple[str, int]:
        """Write one object, durably and at once; return its SHA-256 and its size."""

    def fetch(self, sha256: str, target: Path) -> bool:
        """Copy an object, verified, to the new file `target`; False where missing or damaged."""

    def trust(self, sha256: str) -> None:
        """Take an object as good that a child of this process has just put."""

    def lock(self, key: str) -> contextlib.AbstractContextManager[None]:
        """Keep other processes from making the result of `key` at the same time."""


class FolderStore:
    """The store in a folder, shared between processes, and between machines by a network drive.

    v1/objects/<2 hex>/<sha256>   bytes of artifact files
    v1/records/<2 hex>/<key>      the SHA-256 of the second line, and the record as one line of JSON
    v1/locks/<key>                empty files, for flock
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._base = root / f"v{LAYOUT}"
        self._trusted: set[str] = set()

    def record(self, key: str) -> dict[str, Any] | None:
        """Return the record of `key`; a damaged one is dropped."""
        try:
            data = self._record_path(key).read_bytes()
        except FileNotFoundError:
            return None
        record = _opened(data)
        if record is None:
            self.drop_record(key)
        else:
            _mark_used(self._record_path(key))
        return record

    def put_record(self, key: str, record: dict[str, Any]) -> None:
        """Make `record` the record of `key`, durably and at once."""
        body = canonical(record)
        replace_file(self._record_path(key), _digest(body) + b"\n" + body, durable=True)

    def drop_record(self, key: str) -> None:
        """Forget the record of `key`."""
        with contextlib.suppress(FileNotFoundError):
            self._record_path(key).unlink()

    def has(self, sha256: str, size: int) -> bool:
        """Say whether an object of this size is there; its bytes are not read."""
        try:
            return self._object_path(sha256).stat().st_size == size
        except FileNotFoundError:
            return False

    def put(self, chunks: Iterable[bytes | memoryview]) -> tuple[str, int]:
        """Hash, write and sync the chunks in one pass, then rename to the name by content."""
        with temporary(self._base / "objects") as (fd, temp):
            sha256, size = hash_and_write(fd, chunks)
            path = self._object_path(sha256)
            path.parent.mkdir(exist_ok=True)
            os.replace(temp, path)
        sync_folder(path.parent)
        return sha256, size

    def trust(self, sha256: str) -> None:
        """Take an object as good that a child of this process has just put."""
        self._trusted.add(sha256)

    def fetch(self, sha256: str, target: Path) -> bool:
        """Copy an object to the new file `target`; one that is damaged is dropped instead."""
        path = self._object_path(sha256)
        try:
            copy_file(path, target)
        except FileNotFoundError:
            return False
        if sha256 in self._trusted or sha256_file(target) == sha256:
            return True
        target.unlink()
        with contextlib.suppress(FileNotFoundError):
            if sha256_file(path) != sha256:
                path.unlink()
        return False

    def lock(self, key: str) -> contextlib.AbstractContextManager[None]:
        """Keep other processes from making the result of `key` at the same time."""
        return locked(self._base / "locks" / key)

    def sweep(self) -> None:
        """Remove what killed writers left behind, once it is a day old and surely nobody's."""
        for path in self._base.glob(f"**/{TEMPORARY}*"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > SWEEP_SECONDS:
                    path.unlink()

    def keys(self) -> Iterator[str]:
        """Yield the keys of all records, sorted."""
        for path in sorted(self._base.glob("records/*/*")):
            if _HEX.fullmatch(path.name):
                yield path.name

    def objects(self) -> Iterator[tuple[str, int]]:
        """Yield SHA-256 and size of all objects, sorted."""
        for path in sorted(self._base.glob("objects/*/*")):
            if _HEX.fullmatch(path.name):
                yield path.name, path.stat().st_size

    def drop_object(self, sha256: str) -> None:
        """Remove an object; results that need it are made again."""
        with contextlib.suppress(FileNotFoundError):
            self._object_path(sha256).unlink()

    def collect(self, *, days: float, remove: bool = True) -> Collected:
        """Remove records that nobody read for `days`, and then the objects that no record names.

        An object younger than a day stays, its record may be on the way. What another process was
        about to use is made again there, as everything is that a store has not. Without `remove`
        it is only counted.
        """
        now, named, records = time.time(), set(), 0
        for path in self._entries("records"):
            with contextlib.suppress(FileNotFoundError):  # another process removed it
                if now - path.stat().st_mtime > days * DAY_SECONDS:
                    records += 1
                    if remove:
                        path.unlink()
                else:
                    named.update(_HEX.findall(path.read_text(errors="replace")))
        objects, size = 0, 0
        for path in self._entries("objects"):
            with contextlib.suppress(FileNotFoundError):
                stat = path.stat()
                if path.name not in named and now - stat.st_mtime > DAY_SECONDS:
                    objects, size = objects + 1, size + stat.st_size
                    if remove:
                        path.unlink()
        return Collected(records, objects, size)

    def _entries(self, kind: str) -> list[Path]:
        return [p for p in sorted(self._base.glob(f"{kind}/*/*")) if _HEX.fullmatch(p.name)]

    def _record_path(self, key: str) -> Path:
        return self._base / "records" / key[:2] / key

    def _object_path(self, sha256: str) -> Path:
        return self._base / "objects" / sha256[:2] / sha256


class ScratchStore(FolderStore):
    """A store for one job, gone afterwards: an object leaves it by being moved, not copied."""

    def fetch(self, sha256: str, target: Path) -> bool:
        """Move an object to the new file `target`; False where it is missing."""
        try:
            os.rename(self._object_path(sha256), target)
        except FileNotFoundError:
            return False
        return True


def _mark_used(path: Path) -> None:
    """Note the day of the last use as the time stamp of a record."""
    with contextlib.suppress(OSError):  # somebody else's store, or removed meanwhile
        if time.time() - path.stat().st_mtime > DAY_SECONDS:
            os.utime(path)


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()


def _opened(data: bytes) -> dict[str, Any] | None:
    """Return the record in `data`, or None where it is not what was written."""
    digest, _, body = data.partition(b"\n")
    if digest != _digest(body):
        return None
    record: dict[str, Any] = json.loads(body)
    return record

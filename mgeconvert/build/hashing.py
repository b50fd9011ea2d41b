"""SHA-256 of files and of plain data, with a cache by file state; standard library only."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import queue
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mgeconvert.build.files import FULL, write_all
from mgeconvert.build.journal import Journal

CHUNK = 1 << 20
# A file changed in the same clock tick after it was hashed keeps its stat. Two seconds covers the
# coarsest time stamps in use (FAT), so that an entry younger than that is never trusted.
YOUNG_NS = 2_000_000_000


def canonical(data: Any) -> bytes:
    """Return the one JSON spelling of plain data: sorted keys, no spaces, no NaN, UTF-8."""
    return json.dumps(
        data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def sha256_data(data: Any) -> str:
    """Return the SHA-256 (hex) of plain data in canonical form."""
    return hashlib.sha256(canonical(data)).hexdigest()


def sha256_file(path: str | Path) -> str:
    """Return the SHA-256 (hex) of the bytes of `path`, read in pieces."""
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        buffer = bytearray(CHUNK)
        view = memoryview(buffer)
        while count := file.readinto(buffer):
            digest.update(view[:count])
    return digest.hexdigest()


def hash_and_write(fd: int, chunks: Iterable[bytes | bytearray | memoryview]) -> tuple[str, int]:
    """Write the chunks to the new file `fd`, synced to disk; return its SHA-256 (hex) and its size.

    Hashing takes longer than writing and syncing, so a second thread does it meanwhile. It reads
    what has been written, so that no chunk is held for it.
    """
    from concurrent.futures import ThreadPoolExecutor  # slow to load, and few processes write

    ends: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    with ThreadPoolExecutor(1) as pool:
        digest = pool.submit(_sha256_growing, fd, ends)
        size = 0
        try:
            for chunk in chunks:
                view = memoryview(chunk).cast("B")
                for start in range(0, len(view), CHUNK):
                    piece = view[start : start + CHUNK]
                    write_all(fd, piece)
                    size += len(piece)
                    ends.put(size)
            os.fsync(fd)
        finally:
            ends.put(None)
        return digest.result(), size


def _sha256_growing(fd: int, ends: queue.SimpleQueue[int | None]) -> str:
    """Return the SHA-256 (hex) of a file that grows to one end after the other, until None."""
    digest, offset, view = hashlib.sha256(), 0, memoryview(bytearray(CHUNK))
    while (end := ends.get()) is not None:
        while offset < end:
            count = os.preadv(fd, [view[: end - offset]], offset)
            if count == 0:
                raise OSError(errno.EIO, "the file became shorter while it was hashed")
            digest.update(view[:count])
            offset += count
    return digest.hexdigest()


def _absolute(path: str | Path) -> str:
    name = os.fspath(path)
    return name if name.startswith("/") else os.path.abspath(name)


def _state(stat: os.stat_result) -> list[int]:
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


class FileHashes:
    """SHA-256 of files, hashed again only where size, mtime, ctime or inode changed.

    The cache is a journal on disk: every finished entry survives a SIGKILL, and several processes
    may append to it. With `rehash` nothing that the journal says is trusted.
    """

    def __init__(self, journal: Journal, *, rehash: bool = False) -> None:
        self._journal = journal
        self._renewed: set[str] | None = set() if rehash else None

    def of(self, path: str | Path) -> str:
        """Return the SHA-256 of `path`; raises FileNotFoundError where there is none."""
        name = _absolute(path)
        stat = os.stat(name)
        entry = self._journal.get(name)
        if entry and entry["state"] == _state(stat) and self._trusts(name, stat, entry["at"]):
            return str(entry["sha256"])
        return self._hash(name)

    def maybe(self, path: str | Path) -> str | None:
        """Return the SHA-256 of `path`, or None where no such file can be read."""
        try:
            return self.of(path)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError):
            return None

    def names_in(
        self, sha256: str, kind: str, find: Callable[[], Iterable[str]]
    ) -> tuple[str, ...]:
        """Return the names that `find` sees in the bytes of this hash; it is asked once.

        kind: what it looks for, with the version of how it does
        """
        key = f"{kind} {sha256}"
        entry = None if self._renewed is not None else self._journal.get(key)
        if entry is None:
            entry = {"names": list(find())}
            self._remember(key, entry)
        return tuple(entry["names"])

    def knows(self, path: str | Path) -> bool:
        """Say whether `of` would answer without reading the file."""
        name = _absolute(path)
        entry = self._journal.get(name)
        if not entry or not os.path.exists(name):
            return False
        stat = os.stat(name)
        return bool(entry["state"] == _state(stat)) and self._trusts(name, stat, entry["at"])

    def _hash(self, name: str) -> str:
        at = time.time_ns()
        before = os.stat(name)
        sha256 = sha256_file(name)
        if _state(before) == _state(os.stat(name)):
            self._remember(name, {"state": _state(before), "sha256": sha256, "at": at})
            if self._renewed is not None:
                self._renewed.add(name)
        return sha256

    def _remember(self, name: str, entry: dict[str, Any]) -> None:
        """Keep an entry; a full disk costs the next run the time to find it out again."""
        try:
            self._journal.put(name, entry)
        except OSError as error:
            if error.errno not in FULL:
                raise

    def _trusts(self, name: str, stat: os.stat_result, at: int) -> bool:
        if self._renewed is not None and name not in self._renewed:
            return False
        return at - max(stat.st_mtime_ns, stat.st_ctime_ns) > YOUNG_NS

"""A small mapping on disk, appended to by several processes; standard library only."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mgeconvert.build.files import replace_file

# Rewritten at opening when it has this many lines more than entries.
SLACK = 4096


class Journal:
    """Names with JSON objects, one line per change, the last line of a name counting.

    A line is appended by one write with O_APPEND, so that it is whole or, after a power cut, torn
    and then ignored; what was appended survives a SIGKILL of the writer. `refresh` reads what other
    processes appended since. What a full disk kept from being written holds for this process.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries: dict[str, dict[str, Any]] = {}
        self._unsaved: dict[str, dict[str, Any]] = {}
        self._offset = 0
        self._lines = 0
        self._inode = 0
        self.version = 0  # grows with every change, for what is derived from the entries
        self.refresh()
        if self._lines > 2 * len(self._entries) + SLACK:
            self._compact()

    def get(self, name: str) -> dict[str, Any] | None:
        """Return the entry of `name`, or None."""
        return self._entries.get(name)

    def put(self, name: str, entry: dict[str, Any]) -> None:
        """Set the entry of `name`; nothing is written where it is the same already."""
        if self._entries.get(name) == entry:
            return
        self._entries[name] = entry
        self.version += 1
        self._unsaved[name] = entry
        self._append([name, entry])
        del self._unsaved[name]

    def drop(self, name: str) -> None:
        """Remove the entry of `name`, if there is one."""
        self._unsaved.pop(name, None)
        if self._entries.pop(name, None) is not None:
            self.version += 1
            self._append([name, None])

    def items(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield names and entries, sorted by name."""
        return iter(sorted(self._entries.items()))

    def refresh(self) -> None:
        """Read what was appended since the last reading, also by other processes."""
        try:
            file = open(self.path, "rb")  # noqa: SIM115 - closed below, and absent is no error
        except FileNotFoundError:
            return
        with file:
            inode = os.fstat(file.fileno()).st_ino
            if inode != self._inode:  # new, or compacted by another process
                self._entries, self._offset, self._lines, self._inode = {}, 0, 0, inode
                self.version += 1
            file.seek(self._offset)
            data = file.read()
        end = data.rfind(b"\n") + 1
        self._offset += end
        for line in data[:end].splitlines():
            self._replay(line)
        self._entries.update(self._unsaved)

    def _replay(self, line: bytes) -> None:
        self._lines += 1
        self.version += 1
        try:
            name, entry = json.loads(line)
        except (ValueError, TypeError):
            return  # a torn line: what it said is found out again
        if isinstance(entry, dict):
            self._entries[name] = entry
        else:
            self._entries.pop(name, None)

    def _append(self, line: list[Any]) -> None:
        with self._lock(fcntl.LOCK_SH) as fd:
            data = _line(line)
            if not _ends_whole(fd):
                data = b"\n" + data
            if os.write(fd, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _compact(self) -> None:
        with self._lock(fcntl.LOCK_EX):  # no other process appends to the old file meanwhile
            self.refresh()
            replace_file(self.path, b"".join(_line([name, e]) for name, e in self.items()))
        self._inode = 0
        self.refresh()

    @contextlib.contextmanager
    def _lock(self, kind: int) -> Iterator[int]:
        """Yield a descriptor of the file that is at `path`, locked."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            fd = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(fd, kind)
                if self._is_current(fd):
                    yield fd
                    return
            finally:
                os.close(fd)

    def _is_current(self, fd: int) -> bool:
        try:
            return os.fstat(fd).st_ino == os.stat(self.path).st_ino
        except FileNotFoundError:
            return False


def _ends_whole(fd: int) -> bool:
    """Say whether the file ends with a whole line, and not with one that a full disk cut off."""
    size = os.fstat(fd).st_size
    return not size or os.pread(fd, 1, size - 1) == b"\n"


def _line(data: list[Any]) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode() + b"\n"

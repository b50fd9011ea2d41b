"""Files that appear whole or not at all, copies, locks between processes; standard library only."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

# ioctl number of FICLONE (linux/fs.h): share the blocks of another file, copied on write.
FICLONE = 0x40049409
TEMPORARY = ".tmp-"
COPY_PIECE = 1 << 30
# No room: on the disk, in the quota, for a file as large as that.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
UNCLONABLE = {
    errno.EOPNOTSUPP,
    errno.EXDEV,
    errno.EINVAL,
    errno.ENOTTY,
    errno.ENOSYS,
    errno.EPERM,
    errno.EBADF,
}


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextlib.contextmanager
def temporary(folder: Path, *, prefix: str = TEMPORARY) -> Iterator[tuple[int, Path]]:
    """Yield descriptor and path of a new file in `folder`, removed at the end if it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{prefix}{os.getpid()}-{os.urandom(8).hex()}"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        yield fd, path
    finally:
        os.close(fd)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write all of `data` to `fd`."""
    view = memoryview(data).cast("B")
    while view:
        view = view[os.write(fd, view) :]


def replace_file(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Put `data` at `path` by a temporary file and a rename; `durable` by fsync as well."""
    with temporary(path.parent) as (fd, temp):
        write_all(fd, data)
        if durable:
            os.fsync(fd)
        os.replace(temp, path)
    if durable:
        sync_folder(path.parent)


def copy_file(source: Path, target: Path) -> None:
    """Make `target` a new file with the bytes of `source`, sharing blocks where possible.

    Never a hard link: whoever edits the copy must not damage the original.
    """
    with open(source, "rb", buffering=0) as read, open(target, "xb", buffering=0) as write:
        try:
            fcntl.ioctl(write.fileno(), FICLONE, read.fileno())
        except OSError as error:
            if error.errno not in UNCLONABLE:
                raise
            _copy_bytes(read.fileno(), write.fileno())


def _copy_bytes(read: int, write: int) -> None:
    left = os.fstat(read).st_size
    while left:
        try:
            count = os.copy_file_range(read, write, min(left, COPY_PIECE))
        except OSError as error:
            if error.errno not in UNCLONABLE:
                raise
            count = os.sendfile(write, read, None, min(left, COPY_PIECE))
        if count == 0:
            raise OSError(errno.EIO, "the file became shorter while it was copied")
        left -= count


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock `path` against other processes (and other holders in this one)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)

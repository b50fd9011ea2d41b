"""The worker of a command that converts once, forked while the command has loaded next to nothing.

Needs the standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import IO, NoReturn

from mgeconvert.build import serve

POLL_SECONDS = 0.01
# What a conversion must not inherit: it loads these itself, and a runtime may have changed them.
LIBRARIES = {"megengine", "numpy", "onnx", "torch"}
CONVERTER = ("mgeconvert.build.produce", "mgeconvert.build.convert")


class Forked:
    """A child process by fork: what `Worker` needs of `subprocess.Popen`."""

    def __init__(self, pid: int, stdin: IO[bytes]) -> None:
        self.pid = pid
        self.stdin: IO[bytes] | None = stdin
        self._code: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code as Popen does; raises TimeoutError after `timeout` seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        while self._code is None:
            pid, status = os.waitpid(self.pid, 0 if end is None else os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
            elif end is not None and time.monotonic() > end:
                raise TimeoutError
            else:
                time.sleep(POLL_SECONDS)
        return self._code


class Early:
    """A started child, with the descriptor of its replies and the file of what it prints."""

    def __init__(self, process: Forked, replies: int, log: IO[bytes]) -> None:
        self.process, self.replies, self.log = process, replies, log
        self._claimed = False

    def claim(self) -> bool:
        """Take the child over; only the first caller gets it."""
        first, self._claimed = not self._claimed, True
        return first

    def drop(self) -> None:
        """End the child, if nobody has taken it over."""
        if self.claim():
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()
            if self.process.stdin:
                self.process.stdin.close()
            os.close(self.replies)
            self.log.close()


STARTED: ContextVar[Early | None] = ContextVar("STARTED", default=None)


def claimed() -> Early | None:
    """Return the child of the `started` around, to the first who asks."""
    early = STARTED.get()
    return early if early is not None and early.claim() else None


@contextlib.contextmanager
def started(frontend: str, backend: str) -> Iterator[None]:
    """Have a child load what converts from `frontend` to `backend`, while the caller goes on.

    The child goes on with what its parent has, so this is for a process of one thread that has no
    library loaded; in any other one nothing happens, and the worker starts when it is needed.
    """
    if not _is_fresh():
        yield
        return
    parts = (f"mgeconvert.frontends.{frontend}", f"mgeconvert.backends.{backend}")
    early = _fork((*parts, *CONVERTER))
    token = STARTED.set(early)
    try:
        yield
    finally:
        STARTED.reset(token)
        early.drop()


def _fork(preload: Sequence[str]) -> Early:
    requests, stdin = os.pipe()
    read, replies = os.pipe()
    log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
    _flush()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _be_worker(requests, log.fileno(), replies, parent=parent, preload=preload)
    os.close(requests)
    os.close(replies)
    return Early(Forked(pid, os.fdopen(stdin, "wb")), read, log)


def _be_worker(
    requests: int, log: int, replies: int, *, parent: int, preload: Sequence[str]
) -> NoReturn:
    """Serve as `worker.BOOT` does: a session of its own, and no other open file."""
    code = 1
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        kept = [fcntl.fcntl(fd, fcntl.F_DUPFD, 3) for fd in (requests, log, log, replies)]
        for target, source in enumerate(kept[:3]):
            os.dup2(source, target)
        _close_all_but({0, 1, 2, kept[3]})
        serve.main(kept[3], parent, preload)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            _flush()
        os._exit(code)


def _close_all_but(kept: set[int]) -> None:
    for name in os.listdir("/dev/fd"):
        if int(name) not in kept:
            with contextlib.suppress(OSError):  # that of the list itself
                os.close(int(name))


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def _is_fresh() -> bool:
    if LIBRARIES & sys.modules.keys():
        return False
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return False

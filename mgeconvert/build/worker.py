"""A child process for foreign bytes, under limits of time and memory; standard library only."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any, Protocol

from mgeconvert.build.early import claimed
from mgeconvert.build.processes import kill_tree, resident
from mgeconvert.errors import ConvertError, LimitExceeded

POLL_SECONDS = 0.05
TAIL_BYTES = 4096
CLOSE_SECONDS = 5.0
# The child's import path is the parent's, so that both run the same code.
BOOT = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]);"
    "from mgeconvert.build.serve import main;"
    "main(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])"
)


@dataclass(frozen=True)
class Reply:
    """What a call gave: a value, or problems; seconds of wall time, bytes of peak memory.

    `lasting` says that the same call would give the same problems again; `output` is the end of
    what the process printed.
    """

    value: dict[str, Any] | None
    problems: tuple[dict[str, Any], ...]
    lasting: bool
    seconds: float
    peak: int
    output: str


class Process(Protocol):
    """A child, forked or executed."""

    pid: int
    stdin: IO[bytes] | None

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code."""


class Worker:
    """A process that answers calls one after the other, started on demand and after each death.

    The limits are watched from outside: a runtime may reserve far more address space than it ever
    uses, so that RLIMIT_AS would refuse sound work. Counted is the anonymous and shared memory of
    the process and its descendants; mapped files are not, the kernel can drop them.
    """

    def __init__(self) -> None:
        self._process: Process | None = None
        self._replies = -1
        self._log: IO[bytes] | None = None

    def start(self, *, preload: Sequence[str] = ()) -> None:
        """Start the process, unless it runs already, and let it import modules."""
        if self._process and _ending(self._process.pid, os.WNOHANG) is None:
            return
        self.kill()
        if early := claimed():
            self._process, self._replies, self._log = early.process, early.replies, early.log
            return
        read, write = os.pipe()
        self._log = _log_file()
        arguments = [json.dumps(sys.path), str(write), str(os.getpid()), *preload]
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", BOOT, *arguments],
                stdin=subprocess.PIPE,
                stdout=self._log,
                stderr=self._log,
                pass_fds=(write,),
                start_new_session=True,
            )
        finally:
            os.close(write)
        self._replies = read

    def call(self, function: str, payload: Any, *, seconds: float, memory: int) -> Reply:
        """Call "module:function" with `payload` there, within `seconds` and `memory` bytes."""
        self.start()
        begun, offset = time.monotonic(), self._log_size()
        watch = _Watch(self._pid(), seconds, memory)
        answer, problem = None, None
        try:
            self._send({"function": function, "payload": payload})
            answer = self._receive(watch)
            problem = None if answer else self._death()
        except _Exceeded as exceeded:
            problem = LimitExceeded(exceeded.args[0], hint=exceeded.args[1])
        finally:
            if answer is None:
                kill_tree(self._pid())
        spent, output = time.monotonic() - begun, self._tail(offset)
        if answer is None:
            self.kill()
            return _failure(problem, spent, watch.peak, output)
        return _reply(answer, spent, watch.peak, output)

    def close(self) -> None:
        """Let the process end by itself, and kill it if it does not."""
        if self._process and self._process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired, TimeoutError):
                self._process.wait(CLOSE_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End the process and its descendants at once."""
        if self._process is None:
            return
        kill_tree(self._process.pid)
        self._process.wait()
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        os.close(self._replies)
        if self._log:
            self._log.close()
        self._process, self._replies, self._log = None, -1, None

    def _pid(self) -> int:
        return self._process.pid if self._process else 0

    def _send(self, request: dict[str, Any]) -> None:
        data = json.dumps(request).encode() + b"\n"
        if self._process and self._process.stdin:
            with contextlib.suppress(BrokenPipeError):  # it died: the reply says so
                self._process.stdin.write(data)
                self._process.stdin.flush()

    def _receive(self, watch: _Watch) -> dict[str, Any] | None:
        """Return the answer, or None where the process ended without one."""
        data = b""
        while not data.endswith(b"\n"):
            if select.select([self._replies], [], [], POLL_SECONDS)[0]:
                piece = os.read(self._replies, 1 << 16)
                if not piece:
                    return None
                data += piece
            else:
                watch.look()
        answer: dict[str, Any] = json.loads(data)
        return answer

    def _death(self) -> LimitExceeded:
        """Say how the process ended."""
        ending = _ending(self._pid(), 0)
        if ending is None or ending.si_code == os.CLD_EXITED:
            code = ending.si_status if ending else "?"
            return LimitExceeded(f"the process ended with exit code {code} and without a result")
        if ending.si_status == signal.SIGKILL:
            return LimitExceeded("the process was killed", hint="the system may be out of memory")
        return LimitExceeded(f"the process crashed with {signal.Signals(ending.si_status).name}")

    def _log_size(self) -> int:
        return os.fstat(self._log.fileno()).st_size if self._log else 0

    def _tail(self, offset: int) -> str:
        if self._log is None:
            return ""
        self._log.seek(max(offset, self._log_size() - TAIL_BYTES))
        return self._log.read().decode(errors="replace")


def _ending(pid: int, flags: int) -> os.waitid_result | None:
    """Return how the child ended, None if it runs; as a zombie it keeps its id."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | flags)


class _Exceeded(Exception):
    """A limit was passed: the problem and the hint."""


class _Watch:
    """The limits of one call, in seconds and bytes, and the largest memory seen."""

    def __init__(self, pid: int, seconds: float, memory: int) -> None:
        self.pid, self.seconds, self.memory = pid, seconds, memory
        self.begun, self.peak = time.monotonic(), 0

    def look(self) -> None:
        """Raise _Exceeded where the process is past a limit."""
        if time.monotonic() - self.begun > self.seconds:
            raise _Exceeded(f"not done after {self.seconds:g} s", "limits.time sets the limit")
        used = resident(self.pid)
        self.peak = max(self.peak, used)
        if used > self.memory:
            raise _Exceeded(
                f"used {used / 2**20:.0f} MiB of memory, {self.memory / 2**20:.0f} MiB are allowed",
                "limits.memory sets the limit",
            )


def _failure(problem: ConvertError | None, seconds: float, peak: int, output: str) -> Reply:
    problems = (problem.as_dict(),) if problem else ()
    return Reply(None, problems, False, seconds, peak, output)


def _reply(answer: dict[str, Any], seconds: float, peak: int, output: str) -> Reply:
    peak = max(peak, answer["peak"])
    if "value" in answer:
        return Reply(answer["value"], (), True, seconds, peak, output)
    problems = tuple(answer["problems"])
    return Reply(None, problems, answer["lasting"], seconds, peak, output)


def _log_file() -> IO[bytes]:
    """Return a file for what a process prints; raises ConvertError where there is no room."""
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        raise ConvertError(
            f"no temporary file can be made: {error.strerror}",
            hint="free some space, or set TMPDIR to a folder that has it",
        ) from error

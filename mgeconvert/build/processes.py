"""The processes below a process, from /proc: their memory, their end; standard library only."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path


def descendants(pid: int) -> list[int]:
    """Return `pid` and all processes below it, parents first."""
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found.extend(int(child) for child in children.read_text().split())
    return found


def resident(pid: int) -> int:
    """Return the bytes of anonymous and shared memory of `pid` and all below, 0 if unknown."""
    return sum(_resident_one(process) for process in descendants(pid))


def _resident_one(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    fields = dict(line.split(":", 1) for line in lines if line.startswith(("RssAnon", "RssShmem")))
    return sum(int(value.split()[0]) * 1024 for value in fields.values())


def kill_tree(pid: int) -> None:
    """Kill `pid`, its process group and all processes below it."""
    if pid <= 0:
        return
    processes = descendants(pid)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    for process in processes:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process, signal.SIGKILL)

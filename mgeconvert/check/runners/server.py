"""The main loop of a runner process: frames from stdin are answered on what was stdout."""

from __future__ import annotations

import ctypes
import importlib
import os
import resource
import signal
import sys
from typing import Any, BinaryIO

from mgeconvert.check.runners.protocol import Message, Runtime, decode, encode
from mgeconvert.errors import CheckFailed, ConvertError, LimitExceeded

PR_SET_PDEATHSIG = 1
OUT_OF_MEMORY = (
    "bad_alloc",
    "bad allocation",
    "out of memory",
    "failed to allocate",
    "aligned_alloc",
)


def main(module: str, *, parent: int) -> None:
    """Serve the class `Runtime` of `module` until stdin ends; die with the process `parent`."""
    _die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with os.fdopen(os.dup(1), "wb") as sink, os.fdopen(os.dup(0), "rb") as source:
        # Libraries print; what they print must not land between frames, nor read from them.
        os.dup2(2, 1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        try:
            runtime: Runtime = importlib.import_module(module).Runtime()
        except (ConvertError, ImportError) as error:
            absent = ConvertError(f"a runtime cannot be imported: {error}")
            known = error if isinstance(error, ConvertError) else absent
            _send(sink, Message("error", known.as_dict(), {}))
            return
        _send(sink, Message("ready", runtime.versions(), {}))
        _serve(runtime, source, sink, base=_private_bytes())


def _serve(runtime: Runtime, source: BinaryIO, sink: BinaryIO, *, base: int) -> None:
    def read(size: int) -> bytearray:
        data = bytearray(size)
        view = memoryview(data)
        while view.nbytes:
            count = source.readinto(view)  # type: ignore[attr-defined]
            if not count:
                raise EOFError
            view = view[count:]
        return data

    while True:
        try:
            request = decode(read)
        except EOFError:
            runtime.close()
            return
        _send(sink, _answer(runtime, request, base=base))
        del request


def _answer(runtime: Runtime, request: Message, *, base: int) -> Message:
    """Return the reply to one request; whatever goes wrong in the runtime is a reply, too."""
    memory = int(request.data["memory"])
    try:
        _limit_memory(base + memory if memory else resource.RLIM_INFINITY)
        return _dispatch(runtime, request)
    except Exception as error:  # the border to foreign code: every failure is this job's alone
        return Message("error", _as_ours(error, runtime, memory=memory).as_dict(), {})
    finally:
        _limit_memory(resource.RLIM_INFINITY)


def _dispatch(runtime: Runtime, request: Message) -> Message:
    data: dict[str, Any] = dict(request.data)
    if request.kind == "open":
        runtime.close()
        asked = {"rounding": data["rounding"]} if data.get("rounding") else {}
        description = runtime.open(
            data["path"], format=data["format"], outputs=data["outputs"], **asked
        )
        return Message("opened", description.as_dict(), {})
    if request.kind == "run":
        return Message("ran", {}, runtime.run(request.arrays))
    if request.kind == "inner":
        return Message("shown", {}, runtime.inner(request.arrays, data["names"]))
    runtime.close()
    return Message("closed", {}, {})


def _as_ours(error: Exception, runtime: Runtime, *, memory: int) -> ConvertError:
    text = str(error).strip() or type(error).__name__
    if isinstance(error, MemoryError) or any(sign in text.lower() for sign in OUT_OF_MEMORY):
        return LimitExceeded(
            f"{runtime.name} needs more memory than the limit of {memory / 2**20:.0f} MiB",
            hint="raise limits.memory of this model",
        )
    if isinstance(error, ConvertError):
        return error
    return CheckFailed(f"{runtime.name} failed: {text}")


def _send(sink: BinaryIO, message: Message) -> None:
    try:
        buffers = encode(message)
    except ConvertError as error:
        buffers = encode(Message("error", error.as_dict(), {}))
    for buffer in buffers:
        sink.write(buffer)
    sink.flush()


def _limit_memory(size: int) -> None:
    """Bound private writable memory: unlike the address space, it counts no mapped files."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (size, hard))


def _private_bytes() -> int:
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    return 0


def _die_with(parent: int) -> None:
    """Ask the kernel for SIGKILL when the parent ends: a hung runtime never sees its stdin end."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)

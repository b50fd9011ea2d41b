"""A runtime behind a process border: started when needed, with limits, replaced after a crash."""

from __future__ import annotations

import json
import math
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import IO, Any

from mgeconvert.check.runners.protocol import (
    Array,
    Arrays,
    Description,
    Message,
    decode,
    encode,
)
from mgeconvert.errors import ConvertError, LimitExceeded, from_dict

START_SECONDS = 120.0
TAIL = 2000
BOOT = (
    "import json, sys\n"
    "module, parent, sys.path[:] = json.loads(sys.argv[1])\n"
    "from mgeconvert.check.runners.server import main\n"
    "main(module, parent=parent)\n"
)
# One thread each: sums then come in one order, whatever the number of cores.
THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")


class RunnerProcess:
    """One runtime in a long-lived child process.

    `module` is a module with a class `Runtime` (see protocol.Runtime). `memory` bounds, in bytes,
    what a model may add to the private memory that the loaded runtime has (0: no bound). The
    process belongs to the thread that starts it, and ends with it.
    """

    def __init__(self, module: str, *, memory: int = 0, python: str = sys.executable) -> None:
        self.module, self.memory, self.python = module, memory, python
        self.starts = 0
        self._child: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None
        self._versions: dict[str, str] = {}

    def __enter__(self) -> RunnerProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def name(self) -> str:
        """The runtime's name in messages."""
        return self.module.rpartition(".")[2]

    @property
    def pid(self) -> int | None:
        """The child's process id, or None while there is no child."""
        return self._child.pid if self._child else None

    def versions(self) -> dict[str, str]:
        """Return the versions of the runtime's libraries; starts the process."""
        self._start()
        return dict(self._versions)

    def open(
        self,
        path: str,
        *,
        format: str,
        outputs: Sequence[str],
        seconds: float,
        rounding: str = "",
    ) -> Description:
        """Load a model; raises LimitExceeded, or what the runtime says is wrong with it.

        `rounding` is for runtimes of sources: see `runtimes.RuntimeInfo`.
        """
        data = {"path": path, "format": format, "outputs": list(outputs), "rounding": rounding}
        return Description.from_dict(self._call("open", data, {}, seconds=seconds).data)

    def run(self, feeds: Arrays, *, seconds: float) -> dict[str, Array]:
        """Run the open model; returns outputs by name, in the model's order."""
        return dict(self._call("run", {}, feeds, seconds=seconds).arrays)

    def inner(self, feeds: Arrays, names: Sequence[str], *, seconds: float) -> dict[str, Array]:
        """Run the open model; returns those of the tensors `names` inside it that it has."""
        return dict(self._call("inner", {"names": list(names)}, feeds, seconds=seconds).arrays)

    def close_model(self, *, seconds: float) -> None:
        """Forget the open model; the process stays."""
        if self._child:
            self._call("close", {}, {}, seconds=seconds)

    def close(self) -> None:
        """End the process; a later call starts a new one."""
        self._end(grace=5.0)

    def _start(self) -> None:
        if self._child and self._child.poll() is None:
            return
        self._end(grace=0.0)
        self._stderr = tempfile.TemporaryFile("a+b")  # noqa: SIM115 - closed by _end
        boot = json.dumps([self.module, os.getpid(), [path or os.getcwd() for path in sys.path]])
        environment = dict(os.environ)
        environment.update({f"{library}_NUM_THREADS": "1" for library in THREADS})
        environment.pop("PYTHONWARNINGS", None)
        environment.update(PYTHONHASHSEED="0", CUDA_VISIBLE_DEVICES="")
        self._child = subprocess.Popen(
            [self.python, "-s", "-c", BOOT, boot],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=environment,
        )
        self.starts += 1
        for pipe in (self._child.stdin, self._child.stdout):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
        try:
            ready = self._receive(time.monotonic() + START_SECONDS, seconds=START_SECONDS)
        except ConvertError:
            self._end(grace=5.0)
            raise
        self._versions = dict(ready.data)

    def _call(
        self, kind: str, data: Mapping[str, Any], arrays: Arrays, *, seconds: float
    ) -> Message:
        self._start()
        if self._stderr:
            self._stderr.truncate(0)
        deadline = time.monotonic() + seconds
        message = Message(kind, {**data, "memory": self.memory}, arrays)
        try:
            self._send(message, deadline, seconds=seconds)
            return self._receive(deadline, seconds=seconds)
        except ConvertError:
            raise
        except BaseException:  # an answer may be under way, which no later call must get
            self._end(grace=0.0)
            raise

    def _send(self, message: Message, deadline: float, *, seconds: float) -> None:
        child = self._running()
        assert child.stdin is not None
        descriptor = child.stdin.fileno()
        for buffer in encode(message):
            view = memoryview(buffer)
            while view.nbytes:
                self._wait(descriptor, selectors.EVENT_WRITE, deadline, seconds=seconds)
                try:
                    view = view[os.write(descriptor, view[: 1 << 20]) :]
                except BlockingIOError:
                    continue
                except BrokenPipeError:
                    raise self._died() from None

    def _receive(self, deadline: float, *, seconds: float) -> Message:
        child = self._running()
        assert child.stdout is not None
        descriptor = child.stdout.fileno()

        def read(size: int) -> bytearray:
            data = bytearray(size)
            view = memoryview(data)
            while view.nbytes:
                self._wait(descriptor, selectors.EVENT_READ, deadline, seconds=seconds)
                try:
                    count = os.readv(descriptor, [view])
                except BlockingIOError:
                    continue
                if not count:
                    raise self._died()
                view = view[count:]
            return data

        answer = decode(read)
        if answer.kind == "error":
            raise from_dict(answer.data)
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            raise self._died()
        return self._child

    def _wait(self, descriptor: int, event: int, deadline: float, *, seconds: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, event)
            left = None if math.isinf(deadline) else max(0.0, deadline - time.monotonic())
            if not selector.select(left):
                tail = self._tail()
                self._end(grace=0.0)
                raise LimitExceeded(
                    f"{self.name} did not answer within {seconds:g} s" + tail,
                    hint="raise limits.time of this model",
                )

    def _died(self) -> LimitExceeded:
        """Return the error that tells how the child ended; there is no child after it."""
        how = "ended"
        if self._child:
            try:
                status = self._child.wait(timeout=5.0)
            except subprocess.TimeoutExpired:
                self._child.kill()
                status = self._child.wait()
            how = f"died of {signal.Signals(-status).name}" if status < 0 else f"ended ({status})"
        tail = self._tail()
        self._end(grace=0.0)
        return LimitExceeded(f"{self.name} {how}{tail}")

    def _tail(self) -> str:
        """Return the end of what the child printed during this call."""
        if not self._stderr:
            return ""
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - TAIL))
        text = self._stderr.read().decode(errors="replace").strip()
        return f"; it printed: {text}" if text else ""

    def _end(self, *, grace: float) -> None:
        """Close the pipes, give the child `grace` seconds, then kill it; always reaps."""
        child, self._child = self._child, None
        if child:
            for pipe in (child.stdin, child.stdout):
                if pipe:
                    pipe.close()
            try:
                child.wait(timeout=grace)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        if self._stderr:
            self._stderr.close()
            self._stderr = None

"""The child side of a worker: reads requests, calls, replies; standard library only.

Requests and replies are lines of JSON: the child handles foreign bytes, so that its parent takes
nothing from it that could run code.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from mgeconvert.build.entry import resolve
from mgeconvert.build.files import FULL
from mgeconvert.errors import ConversionFailed, ConvertError, LimitExceeded

PR_SET_PDEATHSIG = 1


def main(replies: int, parent: int, preload: Sequence[str]) -> None:
    """Serve requests from standard input until it ends, answering on `replies`."""
    die_with(parent)
    requests = os.fdopen(os.dup(0), "rb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    gc.disable()  # imports make objects that stay: looking for garbage among them takes long
    for module in preload:
        with contextlib.suppress(ImportError):  # the call itself will tell
            importlib.import_module(module)
    gc.freeze()
    gc.enable()
    with os.fdopen(replies, "wb") as out, contextlib.ExitStack() as stack:
        services = _Services(stack)
        for line in requests:
            reply = answer(partial(services.call, json.loads(line)))
            out.write(json.dumps(reply).encode() + b"\n")
            out.flush()


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies, however that happens."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


class _Services:
    """What requests name: functions, or context managers that are entered once, then called."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self._found: dict[str, Callable[..., Any]] = {}

    def call(self, request: Mapping[str, Any]) -> Any:
        return self._find(request["function"])(request["payload"])

    def _find(self, path: str) -> Callable[..., Any]:
        if path not in self._found:
            named = resolve(path)
            entered = isinstance(named, type)
            self._found[path] = self._stack.enter_context(named()) if entered else named
        return self._found[path]


def answer(call: Callable[[], Any]) -> dict[str, Any]:
    """Return what `call` returns, or the problems that it raises, as plain data."""
    try:
        value = call()
    except ConversionFailed as failed:
        return _problems([problem.as_dict() for problem in failed.problems])
    except ConvertError as problem:
        return _problems([problem.as_dict()])
    except MemoryError:
        return _passing(LimitExceeded("the process could not get the memory it asked for"))
    except OSError as error:
        if error.errno in FULL:
            return _passing(no_space(error))
        return _internal()
    except Exception:
        return _internal()
    return {"value": value, "peak": _peak()}


def no_space(error: OSError) -> LimitExceeded:
    """Say what a full disk means for a job."""
    return LimitExceeded(
        f"{error.strerror}: the result could not be written",
        hint="free some space, or set MGECONVERT_STORE to a folder that has it",
    )


def _problems(problems: list[dict[str, Any]]) -> dict[str, Any]:
    lasting = all(problem["code"] != LimitExceeded.code for problem in problems)
    return {"problems": problems, "lasting": lasting, "peak": _peak()}


def _passing(problem: ConvertError) -> dict[str, Any]:
    return {"problems": [problem.as_dict()], "lasting": False, "peak": _peak()}


def _internal() -> dict[str, Any]:
    """Describe the exception that is being handled: a bug of ours, in the user's words."""
    traceback.print_exc()
    kind, error, _ = sys.exc_info()
    problem = {
        "code": "internal",
        "problem": f"{kind.__name__ if kind else 'Exception'}: {error}",
        "at": None,
        "hint": "this is a bug in mgeconvert; the report has the traceback",
    }
    return {"problems": [problem], "lasting": False, "peak": _peak()}


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

"""Converters and diagnosers for whole builds: wrong ones, counted ones, crashing ones."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from typing import Any

from mgeconvert.backends.onnx.rules import RULES
from mgeconvert.build import convert as right
from mgeconvert.build.diagnosis import Diagnoser
from mgeconvert.ir import ops
from mgeconvert.rules import Rule

LOG = "MGECONVERT_TEST_LOG"


def _make_wrong() -> None:
    (rule,) = [rule for rule in RULES._rules[ops.MaxPool] if rule.since <= 17][-1:]
    wrong = Rule(lambda e, node: e.emit("Neg", rule.fn(e, node)), 0, "")
    RULES._rules[ops.MaxPool] = [wrong]


def convert_wrongly(job: Any, *, modes: Any, source_sha256: str) -> Any:
    _make_wrong()
    return right.convert(job, modes=modes, source_sha256=source_sha256)


class Counting(Diagnoser):
    """The real one, which notes each call."""

    def __call__(self, request: Mapping[str, Any]) -> dict[str, Any]:
        with open(os.environ[LOG], "a") as log:
            log.write(request["job"]["target"] + "\n")
        return super().__call__(request)


class Wrong(Counting):
    """As `convert_wrongly` converts."""

    def __enter__(self) -> Wrong:
        _make_wrong()
        return self


class Crashing(Counting):
    def __call__(self, request: Mapping[str, Any]) -> dict[str, Any]:
        os.kill(os.getpid(), signal.SIGSEGV)
        return {}

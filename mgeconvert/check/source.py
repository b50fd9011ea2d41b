"""The source's side of a check: its ports and outputs, from the references or its runtime."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Protocol

from mgeconvert.check import references
from mgeconvert.check.inputs import Case, digest
from mgeconvert.check.references import References, Run
from mgeconvert.check.request import CheckRequest
from mgeconvert.check.runners import protocol
from mgeconvert.check.runners.protocol import Description, Runner
from mgeconvert.check.runtimes import runtimes
from mgeconvert.errors import LimitExceeded, UnsupportedCase

Side = Literal["artifact", "source"]
RUNNERS = Path(protocol.__file__).parent


class GetRunner(Protocol):
    """How a check gets the runner of a module, limited to `memory` bytes."""

    def __call__(self, module: str, *, memory: int, side: Side) -> Runner: ...


class Clock:
    """The time that a check has left, and where it went."""

    def __init__(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds
        self.spent: dict[str, float] = {}

    def left(self) -> float:
        """Return the seconds that are left; raises LimitExceeded when none are."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            hint = "raise limits.time of this model"
            raise LimitExceeded("the check ran into its time limit", hint=hint)
        return left

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the time inside as spent on the part `name`."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.spent[name] = self.spent.get(name, 0.0) + time.monotonic() - start


class Source:
    """The source, asked of its runtime only where the references do not know.

    `rounding` is what it keeps of its quantization: what is asked for, or all of it where its
    runtime cannot do otherwise.
    """

    def __init__(self, request: CheckRequest, *, runner: GetRunner, clock: Clock) -> None:
        self.request, self.clock = request, clock
        self.info = runtimes(request.source_format)[0]
        self.cached = True
        self.rounding = request.rounding
        self._get_runner = runner
        self._runner: Runner | None = None
        self._references = References(request.cache)
        files = [RUNNERS / "server.py", *sorted(RUNNERS.glob(f"{self.info.module}*.py"))]
        self._facts = {
            "source": request.source_sha256,
            "format": request.source_format,
            "outputs": request.outputs,
            "versions": self.info.versions(),
            "code": references.fingerprint(files),
        }

    @property
    def _key(self) -> dict[str, object]:
        return {**self._facts, "rounding": self.rounding}

    def ports(self) -> Description:
        """Return the source's inputs and outputs."""
        asked = references.key(self._key)
        if self._references.is_refused(asked):
            self.rounding = "kept"
        known = self._references.description(references.key(self._key))
        if known is None:
            known = self._open_as_asked(asked)
            self._references.keep_description(references.key(self._key), known)
        return known

    def _open_as_asked(self, asked: str) -> Description:
        """Open the source, with all of its rounding where it cannot be had without."""
        try:
            return self._open()[1]
        except UnsupportedCase:
            if self.rounding == "kept":
                raise
        self._references.keep_refusal(asked)
        self.rounding = "kept"
        return self._open()[1]

    def runs(self, case: Case) -> list[Run]:
        """Return the source's outputs for each batch of a case."""
        feeds = [digest(batch) for batch in case.batches()]
        name = references.key({**self._key, "feeds": feeds})
        known = self._references.runs(name)
        if known is not None:
            return known
        runner = self._runner or self._open()[0]
        self.cached = False
        with self.clock.part("source"):
            runs: list[Run] = [
                runner.run(b.feeds, seconds=self.clock.left()) for b in case.batches()
            ]
        self._references.keep_runs(name, runs)
        return runs

    def _open(self) -> tuple[Runner, Description]:
        request = self.request
        self.cached = False
        self._runner = self._get_runner(self.info.module, memory=request.memory, side="source")
        with self.clock.part("source"):
            ports = self._runner.open(
                request.source,
                format=request.source_format,
                outputs=request.outputs,
                seconds=self.clock.left(),
                rounding=self.rounding if self.info.relaxes else "",
            )
        return self._runner, ports

"""What the worker of a diagnosis runs: one job, from its source to its first wrong tensor."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mgeconvert.build.convert import lower, read_source
from mgeconvert.build.verify import Asking, check_request
from mgeconvert.diagnose.reproducer import diagnose_and_save, replay
from mgeconvert.diagnose.subject import Subject
from mgeconvert.manifest.job import Job


class Diagnoser(Asking):
    """Answers diagnoses."""

    def __call__(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Diagnose one job; return the result as plain data.

        request: as a check has it; besides the `case` that failed, "" for any, and the folder
            `save` for a reproducer, "" for none. Without an `artifact` one is made.
        """
        return self.diagnose(subject_of(request), request["save"])

    def diagnose(self, subject: Subject, save: str) -> dict[str, Any]:
        """Return the diagnosis as plain data, and write the reproducer."""
        with tempfile.TemporaryDirectory(prefix="mgeconvert-") as folder:
            found, files = diagnose_and_save(
                subject, runner=self._session.runner, folder=Path(folder), wanted=bool(save)
            )
        if files:
            Path(save).mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (Path(save) / name).write_bytes(data)
        return found.as_dict()


class Replayer(Diagnoser):
    """Answers reproducers."""

    def __call__(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Run the reproducer in the folder `replay` again; return the result as plain data."""
        saved = Path(request["replay"])
        with tempfile.TemporaryDirectory(prefix="mgeconvert-") as folder:
            found = replay(
                saved,
                runner=self._session.runner,
                folder=Path(folder),
                seconds=request["seconds"],
                memory=request["memory"],
            )
        return found.as_dict()


def subject_of(request: Mapping[str, Any]) -> Subject:
    """Return what is diagnosed; see `Diagnoser` for the request."""
    job = Job.from_dict(request["job"])
    named = {**request, "artifact": request["artifact"] or job.file}
    return Subject(
        check=replace(check_request(named), artifact=request["artifact"]),
        read=lambda watch: read_source(job, watch),
        lower=lambda graph, observe: lower(
            job, graph, observe=observe, source_sha256=request["source_sha256"]
        ),
        options=job.options,
        case=request["case"],
    )

"""Diagnoses outside of a build: of a manifest's jobs, of one file, and of a reproducer again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mgeconvert.build.engine import OUR_SEAMS, Seams, run_check
from mgeconvert.build.hashing import sha256_file
from mgeconvert.build.worker import Reply, Worker
from mgeconvert.diagnose.result import Diagnosis
from mgeconvert.errors import (
    KINDS,
    ConversionFailed,
    ConvertError,
    InternalError,
    Location,
    ManifestError,
    from_dict,
)
from mgeconvert.frontends import detect
from mgeconvert.manifest import Job, missing_files
from mgeconvert.manifest.schema import Limits

REPLAYER = "mgeconvert.build.diagnosis:Replayer"


def diagnose_job(
    job: Job, *, artifact: str = "", save: str = "", seams: Seams = OUR_SEAMS
) -> Diagnosis:
    """Return the first wrong tensor of a job, found within the job's limits.

    artifact: the file to look at, "" for what a conversion makes now
    save: a folder for a reproducer, which is written where something differs

    Raises ConversionFailed with the problems that keep it from being made, InternalError for a bug.
    """
    missing = missing_files(job)
    if missing:
        raise ConversionFailed(missing)
    try:
        form, sha256 = _source(job)
    except ConvertError as problem:
        raise ConversionFailed([problem]) from problem
    request = {
        "job": job.as_dict(),
        "artifact": artifact,
        "cache": None,
        "source_format": form,
        "source_sha256": sha256,
        "case": "",
        "save": save,
    }
    with _worker() as worker:
        return _diagnosis(run_check(worker, seams.diagnoser, request, job.limits))


def _source(job: Job) -> tuple[str, str]:
    """Return what the job's source is and its SHA-256; raise ConvertError where it will not do."""
    form, sha256 = detect(Path(job.source)), sha256_file(Path(job.source))
    if job.sha256 not in (None, sha256):
        problem = f"the source has the SHA-256 {sha256}, the manifest demands {job.sha256}"
        raise ManifestError(problem, at=Location("source", path=job.source))
    return form, sha256


def replay(folder: Path) -> Diagnosis:
    """Run a reproducer again; raises as `diagnose_job` does."""
    limits = Limits()
    request = {"replay": str(folder), "seconds": limits.time, "memory": limits.memory}
    with _worker() as worker:
        return _diagnosis(run_check(worker, REPLAYER, request, limits))


@contextmanager
def _worker() -> Iterator[Worker]:
    worker = Worker()
    try:
        yield worker
    finally:
        worker.close()


def _diagnosis(reply: Reply) -> Diagnosis:
    if reply.value is not None:
        return Diagnosis.from_dict(reply.value)
    bugs: list[Mapping[str, Any]] = [p for p in reply.problems if p["code"] not in KINDS]
    if bugs:
        raise InternalError(f"{bugs[0]['problem']}\n{reply.output}")
    raise ConversionFailed([from_dict(problem) for problem in reply.problems])

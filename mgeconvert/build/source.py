"""A job's source file: which form it has, by its content, and the hashes of what it consists of."""

from __future__ import annotations

from dataclasses import dataclass

from mgeconvert.build.hashing import FileHashes
from mgeconvert.errors import Location, ManifestError, UnreadableSource
from mgeconvert.manifest.job import Job

HEAD_BYTES = 16
PICKLE = b"\x80"
FLATBUFFER_V1 = b"MGBC"
FLATBUFFER_V2 = b"mgv2"


@dataclass(frozen=True)
class Source:
    """The frontend that reads the file, and the SHA-256 of its bytes."""

    form: str
    sha256: str


def open_source(job: Job, hashes: FileHashes) -> Source:
    """Return form and hash of the job's source.

    Raises UnreadableSource where there is no such file, ManifestError where the manifest demands
    another hash.
    """
    at = Location("source", path=job.source)
    try:
        sha256, form = hashes.of(job.source), form_of(job.source)
    except OSError as error:
        problem = f"the source cannot be read: {error.strerror}"
        raise UnreadableSource(problem, at=at) from error
    if job.sha256 not in (None, sha256):
        raise ManifestError(
            f"the source has the SHA-256 {sha256}, the manifest demands {job.sha256}", at=at
        )
    return Source(form, sha256)


def form_of(path: str) -> str:
    """Return the name of the frontend for the file: "traced", "mge" or, for the rest, "onnx"."""
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(PICKLE):
        return "traced"
    if head.startswith(FLATBUFFER_V1) or head[8:12] == FLATBUFFER_V2:
        return "mge"
    return "onnx"

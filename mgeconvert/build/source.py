"""A job's source file: which form it has, by its content, and the hash of its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mgeconvert.build.hashing import FileHashes
from mgeconvert.errors import Location, ManifestError, UnreadableSource
from mgeconvert.frontends import detect
from mgeconvert.manifest import Job


@dataclass(frozen=True)
class Source:
    """The frontend that reads the file, and the SHA-256 of its bytes."""

    form: str
    sha256: str


class Sources:
    """The sources of jobs; what form a content has is found out once."""

    def __init__(self, hashes: FileHashes) -> None:
        self._hashes = hashes
        self._forms: dict[str, str] = {}

    def of(self, job: Job) -> Source:
        """Return form and hash of the job's source.

        Raises UnreadableSource where there is no such file or it is no model, ManifestError where
        the manifest demands another hash.
        """
        at = Location("source", path=job.source)
        try:
            sha256 = self._hashes.of(job.source)
        except OSError as error:
            problem = f"the source cannot be read: {error.strerror}"
            raise UnreadableSource(problem, at=at) from error
        if job.sha256 not in (None, sha256):
            raise ManifestError(
                f"the source has the SHA-256 {sha256}, the manifest demands {job.sha256}", at=at
            )
        if sha256 not in self._forms:
            self._forms[sha256] = detect(Path(job.source))
        return Source(self._forms[sha256], sha256)

"""A job's source: which form it has, by its content, and the hashes of all its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from mgeconvert.build.hashing import FileHashes, sha256_data
from mgeconvert.errors import Location, ManifestError, UnreadableSource
from mgeconvert.frontends import detect
from mgeconvert.frontends.external import located, locations
from mgeconvert.manifest import Job

EXTERNAL = "external data 1"
MISSING, REFUSED = "missing", "outside"
"""What stands for the hash of a file that is not there, or not beside the model."""


@dataclass(frozen=True)
class Source:
    """The frontend that reads the file, and the SHA-256 of its bytes.

    files: SHA-256 of each file that it refers to, by the name it uses
    """

    form: str
    sha256: str
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> str:
        """One SHA-256 for the file and all that it refers to."""
        return sha256_data([self.sha256, dict(self.files)]) if self.files else self.sha256


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
        form = self._forms[sha256]
        return Source(form, sha256, self._files(Path(job.source), sha256) if form == "onnx" else {})

    def _files(self, path: Path, sha256: str) -> dict[str, str]:
        """Return the hashes of the files of external data, as far as they may be read."""
        names = self._hashes.names_in(sha256, EXTERNAL, partial(locations, path))
        return {name: self._hash(path.parent, name) for name in names}

    def _hash(self, folder: Path, name: str) -> str:
        try:
            return self._hashes.maybe(located(folder, name)) or MISSING
        except UnreadableSource:  # the conversion will tell
            return REFUSED

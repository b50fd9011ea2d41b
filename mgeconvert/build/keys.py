"""The names of results: hashes of all that makes them; standard library and the manifest's job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mgeconvert.build.hashing import sha256_data
from mgeconvert.build.toolchain import Toolchain
from mgeconvert.manifest.job import Job

# Version of what goes into a key; a new one makes every result again.
KEY_VERSION = 1


def conversion_key(
    job: Job, toolchain: Toolchain, *, source: str, files: Mapping[str, str], modes: Sequence[str]
) -> str:
    """Return the key of the job's artifact.

    source: SHA-256 of the source's bytes
    files: SHA-256 of each of `job.conversion_files()`, by its key
    modes: what the run asks of the conversion beyond the manifest
    """
    return sha256_data(
        {
            "version": KEY_VERSION,
            "kind": "conversion",
            "source": source,
            "files": dict(files),
            "settings": job.settings(),
            "modes": sorted(modes),
            "toolchain": toolchain.as_dict(),
        }
    )


def check_key(
    job: Job, toolchain: Toolchain, *, source: str, files: Sequence[str], artifact: Any
) -> str:
    """Return the key of the verdict on the job's artifact.

    source: SHA-256 of the source's bytes and of what it refers to
    files: SHA-256 of each of `job.check_files()`
    artifact: the names and the SHA-256 of the artifact's files, as plain data
    """
    return sha256_data(
        {
            "version": KEY_VERSION,
            "kind": "check",
            "source": source,
            "files": list(files),
            "shapes": job.settings()["inputs"],
            "outputs": list(job.outputs),
            "settings": job.check_settings(),
            "artifact": artifact,
            "toolchain": toolchain.as_dict(),
        }
    )

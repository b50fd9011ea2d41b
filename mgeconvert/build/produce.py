"""What a conversion worker runs: one job, from its source into the store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mgeconvert.build.entry import resolve
from mgeconvert.build.store import FolderStore
from mgeconvert.manifest.job import Job


def produce(request: Mapping[str, Any]) -> dict[str, Any]:
    """Convert the job and stream its artifact into the store; return the files as plain data.

    request: the `job` and the folder of the `store` as plain data, the `converter` by name, and
    the `modes` and the hash of the source that it is called with
    """
    job, store = Job.from_dict(request["job"]), FolderStore(Path(request["store"]))
    convert = resolve(request["converter"])
    artifact = convert(job, modes=tuple(request["modes"]), source_sha256=request["source_sha256"])
    files = []
    for name, chunks in artifact.files.items():
        sha256, size = store.put(chunks)
        files.append({"name": name, "sha256": sha256, "size": size})
    return {"files": files, "notes": list(artifact.notes)}

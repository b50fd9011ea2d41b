"""The artifacts under their final names: staged, published, withdrawn; never half-written."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mgeconvert.build.records import Result
from mgeconvert.build.state import State
from mgeconvert.build.store import Store
from mgeconvert.errors import InternalError
from mgeconvert.manifest.job import Job


@dataclass(frozen=True)
class Published:
    """A file that we put under a final name: path, job, and the hash that it had."""

    path: Path
    job: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Cleaned:
    """What a cleaning did: the files removed, and those left since someone changed them."""

    removed: tuple[Path, ...]
    changed: tuple[Path, ...]


class Publisher:
    """Puts artifacts under their final names, and keeps the ledger of what it put there."""

    def __init__(self, state: State, store: Store) -> None:
        self._state, self._store = state, store
        self._root = state.folder.parent
        self._by_job: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        self._indexed = -1
        self._names: dict[str, str] = {}

    def is_published(self, job: Job, result: Result) -> bool:
        """Say whether exactly the files of `result` stand under the job's final names."""
        wanted = {f"{job.output}/{file.name}": file.sha256 for file in result.files}
        ours = {name for name, entry in self._entries(job.name)}
        return ours == set(map(self._name, wanted)) and all(
            self._state.hashes.maybe(path) == sha256 for path, sha256 in wanted.items()
        )

    @contextlib.contextmanager
    def staged(self, job: Job, result: Result) -> Iterator[Path | None]:
        """Yield a folder beside the final names with verified copies of the files of `result`.

        None where the store has lost one of them. The caller holds the job's lock, so that a folder
        that an earlier run left behind is nobody's.
        """
        stage = Path(job.output) / f".mgeconvert-{job.model}-{job.target}"
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir(parents=True)
        try:
            fetched = [
                self._store.fetch(file.sha256, stage / _plain_name(file.name))
                for file in result.files
            ]
            yield stage if all(fetched) else None
        finally:
            shutil.rmtree(stage, ignore_errors=True)

    def publish(self, job: Job, result: Result, stage: Path) -> None:
        """Move the files of `result` from `stage` to their final names, the main one last.

        With several files the old main one goes first, so that at no time a main file stands beside
        parts of another artifact.
        """
        output = Path(job.output)
        if len(result.files) > 1:
            (output / result.files[0].name).unlink(missing_ok=True)
        for file in reversed(result.files):
            target = output / file.name
            if target.is_dir():
                raise InternalError(f"{target} is a folder")
            entry = {"job": job.name, "sha256": file.sha256, "size": file.size}
            os.replace(stage / file.name, target)
            self._state.ledger.put(self._name(target), entry)
        self.withdraw(job, keep=[output / file.name for file in result.files])

    def withdraw(self, job: Job, *, keep: Iterable[Path] = ()) -> Cleaned:
        """Remove what we published for `job`, except `keep` and files that someone changed."""
        kept = {self._name(path) for path in keep}
        mine = [self._published(n, e) for n, e in self._entries(job.name) if n not in kept]
        return self.clean(mine)

    def clean(self, files: Iterable[Published], *, force: bool = False) -> Cleaned:
        """Remove published files; those that someone changed only with `force`."""
        removed, changed = [], []
        for file in files:
            now = self._state.hashes.maybe(file.path)
            if now not in (None, file.sha256) and not force:
                changed.append(file.path)
                continue
            with contextlib.suppress(FileNotFoundError):
                file.path.unlink()
                removed.append(file.path)
                _remove_if_empty(file.path.parent, below=self._root)
            self._state.ledger.drop(self._name(file.path))
        return Cleaned(tuple(removed), tuple(changed))

    def published(self) -> tuple[Published, ...]:
        """Return all files that we put under final names and have not removed."""
        self._state.ledger.refresh()
        return tuple(self._published(name, entry) for name, entry in self._state.ledger.items())

    def has_files(self, job: Job) -> bool:
        """Say whether anything that we published for `job` still counts as ours."""
        return bool(self._entries(job.name))

    def orphans(self, jobs: Iterable[Job]) -> tuple[Published, ...]:
        """Return the published files whose job is none of `jobs`, or makes other files now."""
        places = {job.name: Path(job.output) for job in jobs if job.enabled}
        return tuple(f for f in self.published() if places.get(f.job) != f.path.parent)

    def _entries(self, job: str) -> list[tuple[str, dict[str, Any]]]:
        ledger = self._state.ledger
        if self._indexed != ledger.version:
            self._by_job = {}
            for name, entry in ledger.items():
                self._by_job.setdefault(entry["job"], []).append((name, entry))
            self._indexed = ledger.version
        return self._by_job.get(job, [])

    def _published(self, name: str, entry: dict[str, Any]) -> Published:
        path = Path(os.path.normpath(self._root / name))
        return Published(path, entry["job"], entry["sha256"], entry["size"])

    def _name(self, path: Path | str) -> str:
        """Return the path as the ledger has it: relative to the manifest's folder."""
        name = os.fspath(path)
        if name not in self._names:
            self._names[name] = os.path.relpath(name, self._root)
        return self._names[name]


def _remove_if_empty(folder: Path, *, below: Path) -> None:
    """Remove `folder` and its parents as far as they are empty and inside of `below`."""
    with contextlib.suppress(OSError):
        while below in folder.parents:
            folder.rmdir()
            folder = folder.parent


def _plain_name(name: str) -> str:
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise InternalError(f"{name!r} is no file name for an artifact")
    return name

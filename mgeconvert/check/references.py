"""Outputs of sources, kept by content: what MegEngine has once computed, it need not again."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mgeconvert.check.runners.protocol import Array, Arrays, Description

LAYOUT = 1
Run = Mapping[str, Array]


def key(fields: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what determines a reference, in canonical form."""
    text = json.dumps({"layout": LAYOUT, **fields}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def fingerprint(paths: Iterable[Path]) -> str:
    """Return the SHA-256 over the bytes of the files, in order."""
    hashed = hashlib.sha256()
    for path in paths:
        hashed.update(hashlib.sha256(path.read_bytes()).digest())
    return hashed.hexdigest()


class References:
    """A folder of .npz files; without a folder it keeps nothing."""

    def __init__(self, folder: str | None) -> None:
        self.folder = Path(folder) if folder else None

    def description(self, name: str) -> Description | None:
        """Return the ports stored under the key `name`, or None."""
        loaded = self._load(name)
        return Description.from_dict(loaded[0]["ports"]) if loaded else None

    def runs(self, name: str) -> list[Run] | None:
        """Return the outputs of each run stored under the key `name`, or None."""
        loaded = self._load(name)
        if not loaded:
            return None
        names: list[list[str]] = loaded[0]["names"]
        arrays = iter(loaded[1])
        return [{output: next(arrays) for output in run} for run in names]

    def is_refused(self, name: str) -> bool:
        """Return whether the runtime is known not to do what the key `name` stands for."""
        loaded = self._load(name)
        return bool(loaded and loaded[0].get("refused"))

    def keep_refusal(self, name: str) -> None:
        """Store that the runtime cannot do what the key `name` stands for."""
        self._store(name, {"refused": True}, ())

    def keep_description(self, name: str, ports: Description) -> None:
        """Store the ports of a source."""
        self._store(name, {"ports": ports.as_dict()}, ())

    def keep_runs(self, name: str, runs: Sequence[Run]) -> None:
        """Store the outputs of each run of a case."""
        arrays = [array for run in runs for array in run.values()]
        self._store(name, {"names": [list(run) for run in runs]}, arrays)

    def _path(self, name: str) -> Path | None:
        return self.folder / name[:2] / f"{name}.npz" if self.folder else None

    def _load(self, name: str) -> tuple[dict[str, Any], list[Array]] | None:
        """Return what is stored; a damaged file counts as absent and is dropped."""
        path = self._path(name)
        if path is None or not path.exists():
            return None
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                meta = json.loads(stored["meta"].tobytes())
                arrays = [stored[str(index)] for index in range(meta["count"])]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zipfile.LargeZipFile):
            path.unlink(missing_ok=True)
            return None
        return meta, arrays

    def _store(self, name: str, meta: Mapping[str, Any], arrays: Sequence[Array]) -> None:
        """Write a temporary file beside the final one, flush it to disk, and rename it."""
        path = self._path(name)
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({**meta, "count": len(arrays)}).encode()
        entries: Arrays = {
            "meta": np.frombuffer(text, np.uint8),
            **{str(index): array for index, array in enumerate(arrays)},
        }
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            try:
                np.savez(file, **entries)
                file.flush()
                os.fsync(file.fileno())
                os.replace(file.name, path)
            except BaseException:
                os.unlink(file.name)
                raise

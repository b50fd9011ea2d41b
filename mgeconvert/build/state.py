"""What one manifest's builds remember beside it: hashes, published files, outcomes, locks."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from mgeconvert.build.files import locked
from mgeconvert.build.hashing import FileHashes
from mgeconvert.build.journal import Journal
from mgeconvert.build.store import FolderStore

FOLDER = ".mgeconvert"
STORE_VARIABLE = "MGECONVERT_STORE"


class State:
    """The folder `.mgeconvert` beside the manifest; it may be deleted, except that the ledger of
    published files, and with it the knowledge of what is ours to remove, is then lost.

    hashes.jsonl               SHA-256 of files by their state
    ledger-<manifest>.jsonl    published files
    outcomes-<manifest>.jsonl  the last outcome of each job
    locks/<job>                held while a job's files change
    """

    def __init__(self, folder: Path, name: str, *, rehash: bool = False) -> None:
        self.folder = folder
        self.hashes = FileHashes(Journal(folder / "hashes.jsonl"), rehash=rehash)
        self.ledger = Journal(folder / f"ledger-{name}.jsonl")
        self.outcomes = Journal(folder / f"outcomes-{name}.jsonl")

    def refresh(self) -> None:
        """Read what other processes of this or of another run noted."""
        self.ledger.refresh()
        self.outcomes.refresh()

    def lock(self, job: str) -> contextlib.AbstractContextManager[None]:
        """Keep other processes from changing the files of `job`."""
        return locked(self.folder / "locks" / job)


def default_store(folder: Path) -> FolderStore:
    """Return the store that MGECONVERT_STORE names, or else the one in the state `folder`."""
    return FolderStore(shared_store() or folder / "store")


def shared_store() -> Path | None:
    """Return the folder that MGECONVERT_STORE names, None where it is not set."""
    named = os.environ.get(STORE_VARIABLE)
    return Path(named).expanduser().absolute() if named else None

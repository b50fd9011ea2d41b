"""The files of operator cases, made once and kept by content."""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tests.cases.case import Case

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "test-cases"


@dataclass(frozen=True)
class Files:
    """What MegEngine made of a case."""

    tm: Path
    mge: Path
    arrays: dict[str, np.ndarray]
    failures: dict[str, str]
    graph: dict[str, np.ndarray]

    def feeds(self, suffix: str = "") -> dict[str, np.ndarray]:
        """The inputs by name."""
        return self._part(f"in{suffix}.")

    def outputs(self, suffix: str = "") -> list[np.ndarray]:
        """The outputs in order."""
        return list(self._part(f"out{suffix}.").values())

    def graph_outputs(self, suffix: str = "") -> list[np.ndarray]:
        """What MegEngine computes from the dump, in order."""
        prefix = f"out{suffix}."
        return [array for name, array in self.graph.items() if name.startswith(prefix)]

    def _part(self, prefix: str) -> dict[str, np.ndarray]:
        return {k.removeprefix(prefix): v for k, v in self.arrays.items() if k.startswith(prefix)}


def files(case: Case, family: Sequence[Case]) -> Files:
    """Return the files of `case`; all missing ones of its family are made in one process."""
    folder = _folder()
    if not (folder / f"{case.key}.json").exists():
        _make(tuple(family), folder)
    stem = folder / case.key
    failures = json.loads(stem.with_suffix(".json").read_text())
    arrays, graph = (_load(stem.with_suffix(ending)) for ending in (".npz", ".graph.npz"))
    return Files(stem.with_suffix(".tm"), stem.with_suffix(".mge"), arrays, failures, graph)


def _load(path: Path) -> dict[str, np.ndarray]:
    if not path.exists():
        return {}
    with np.load(path) as loaded:
        return {name: loaded[name] for name in loaded.files}


@functools.cache
def _folder() -> Path:
    sources = [*sorted(Path(__file__).parent.glob("*maker.py")), Path(__file__).parent / "case.py"]
    digest = hashlib.sha256(b"".join(p.read_bytes() for p in sources)).hexdigest()[:16]
    folder = CACHE / digest
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _make(family: Sequence[Case], folder: Path) -> None:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = [c for c in family if not (folder / f"{c.key}.json").exists()]
        while missing:
            _run_maker(missing, folder)
            left = [c for c in missing if not (folder / f"{c.key}.json").exists()]
            if len(left) == len(missing) or left:  # MegEngine died of the first that is left
                died = {"tm": "MegEngine's process died", "mge": "MegEngine's process died"}
                (folder / f"{left[0].key}.json").write_text(json.dumps(died))
                left = left[1:]
            missing = left


def _run_maker(cases: Sequence[Case], folder: Path) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as request:
        json.dump([asdict(c) for c in cases], request)
        request.flush()
        command = [sys.executable, "-m", "tests.cases.maker", request.name, str(folder)]
        subprocess.run(command, cwd=ROOT, check=False, capture_output=True, timeout=600)

"""The folder of reference outputs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mgeconvert.check.references import References, key
from mgeconvert.check.runners.protocol import Description, Port

pytestmark = pytest.mark.core
RUNS = [
    {"y": np.array([[1.5, np.nan]], np.float32), "z": np.array(3, np.int32)},
    {"y": np.array([[np.inf, -0.0]], np.float32), "z": np.array(4, np.int32)},
]


def test_what_is_kept_comes_back_to_the_bit(tmp_path: Path) -> None:
    kept = References(str(tmp_path))
    assert kept.runs("ab") is None
    kept.keep_runs("ab", RUNS)
    back = References(str(tmp_path)).runs("ab")
    assert back is not None
    assert [list(run) for run in back] == [["y", "z"], ["y", "z"]]
    for got, want in zip(back, RUNS):
        for name in want:
            assert got[name].dtype == want[name].dtype
            assert got[name].shape == want[name].shape
            assert got[name].tobytes() == want[name].tobytes()
    ports = Description((Port("x", "float32", ("N", 2)),), (Port("y", "", None),))
    kept.keep_description("cd", ports)
    assert kept.description("cd") == ports


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "text"])
def test_damage_is_seen_and_dropped(tmp_path: Path, damage: str) -> None:
    kept = References(str(tmp_path))
    kept.keep_runs("ab", RUNS)
    (path,) = tmp_path.rglob("*.npz")
    data = bytearray(path.read_bytes())
    at = data.index(np.float32(1.5).tobytes())
    data[at] ^= 1
    new = {"cut": data[:-40], "flip": data, "empty": b"", "text": b"text"}[damage]
    path.write_bytes(new)
    assert kept.runs("ab") is None
    assert not path.exists()
    kept.keep_runs("ab", RUNS)
    assert kept.runs("ab") is not None


def test_without_a_folder_nothing_is_kept() -> None:
    kept = References(None)
    kept.keep_runs("ab", RUNS)
    assert kept.runs("ab") is None


def test_an_interrupted_write_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError("disk full")

    kept = References(str(tmp_path))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="disk full"):
        kept.keep_runs("ab", RUNS)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_keys_are_canonical_and_take_everything() -> None:
    assert key({"a": 1, "b": [2]}) == key({"b": (2,), "a": 1})
    assert key({"a": 1}) != key({"a": 2})
    program = "import sys; sys.path[:] = sys.argv[1:]\n"
    program += "from mgeconvert.check.references import key; print(key({'a': 1}))"
    command = [sys.executable, "-c", program, *sys.path]
    assert subprocess.check_output(command, text=True).strip() == key({"a": 1})

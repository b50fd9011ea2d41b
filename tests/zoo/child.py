"""MegEngine at work in a process of its own: importing it changes how the process computes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(module: str, *arguments: str, hash_seed: str = "0") -> str:
    """Run `python -m module` and return what it printed; raises RuntimeError if it fails."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{module} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def write_traced(folder: Path, *names: str, hash_seed: str = "0") -> dict[str, Path]:
    """Trace families (all, if no name is given) into `folder`; return the files by name."""
    run("tests.zoo", str(folder), *names, hash_seed=hash_seed)
    return {path.stem: path for path in sorted(folder.glob("*.tm"))}

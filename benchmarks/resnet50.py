"""ResNet-50 to ONNX, whole process: wall time and peak memory against a floor in the same run.

python -m benchmarks.resnet50 [RUNS] [--kind tm|mge]

The floor is one Python process that imports onnx, reads the source, hashes it, writes as many bytes
and syncs them to disk. Ours is the command of one conversion: its worker, a store and the published
file included, the check left out. The two run in turn, after one run of each that is not counted;
the ratio is that of the medians. Peak memory is that of the largest process.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parents[1]
FLOOR = """
import hashlib, os, sys
import onnx
data = open(sys.argv[1], "rb").read()
hashlib.sha256(data).hexdigest()
with open(sys.argv[2], "wb") as file:
    file.write(data)
    file.flush()
    os.fsync(file.fileno())
"""
COMMANDS = {"tm": "tracedmodule_to_onnx", "mge": "mge_to_onnx"}


def run(command: Sequence[str], environment: dict[str, str]) -> tuple[float, int]:
    """Run a command; return its seconds of wall time and the peak resident bytes."""
    start = perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **environment})
    _, status, usage = os.wait4(process.pid, 0)
    seconds = perf_counter() - start
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return seconds, usage.ru_maxrss * 1024


def ours(source: Path, folder: Path, kind: str) -> tuple[float, int]:
    store = folder / "store"
    shutil.rmtree(store, ignore_errors=True)
    target = folder / "ours.onnx"
    target.unlink(missing_ok=True)
    command = [str(Path(sys.executable).with_name("mgeconvert")), COMMANDS[kind]]
    command += ["-i", str(source), "-o", str(target), "--opset", "13"]
    return run(command, {"MGECONVERT_STORE": str(store)})


def floor(source: Path, folder: Path) -> tuple[float, int]:
    target = folder / "floor.onnx"
    target.unlink(missing_ok=True)
    return run([sys.executable, "-c", FLOOR, str(source), str(target)], {})


def show(name: str, measured: Sequence[tuple[float, int]]) -> tuple[float, int]:
    seconds = sorted(s for s, _ in measured)
    middle, peak = statistics.median(seconds), max(m for _, m in measured)
    print(
        f"{name:6} {middle:.2f} s (min {seconds[0]:.2f}, max {seconds[-1]:.2f}), "
        f"peak {peak / 1e6:.0f} MB"
    )
    return middle, peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="?", type=int, default=5)
    parser.add_argument("--kind", choices=sorted(COMMANDS), default="tm")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        source = write_source(folder, arguments.kind)
        size = source.stat().st_size
        ours(source, folder, arguments.kind), floor(source, folder)
        pairs = [
            (ours(source, folder, arguments.kind), floor(source, folder))
            for _ in range(arguments.runs)
        ]
    print(f"source: {size / 1e6:.0f} MB")
    seconds, peak = show("ours", [a for a, _ in pairs])
    base, _ = show("floor", [b for _, b in pairs])
    print(f"time: {seconds / base:.2f} times the floor; memory: {peak / size:.2f} times the file")


def write_source(folder: Path, kind: str) -> Path:
    path = folder / "resnet50.tm"
    maker = ROOT / "examples" / "make_models.py"
    subprocess.run([sys.executable, maker, "resnet50", "--output", path], check=True)
    return path


if __name__ == "__main__":
    main()

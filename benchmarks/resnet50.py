"""ResNet-50 to another format, whole process: time and memory against a floor of the same run.

python -m benchmarks.resnet50 [RUNS] [--kind tm|mge] [--target onnx|tflite|caffe]

The floor is one Python process that imports onnx (for TFLite numpy and flatbuffers, for Caffe numpy
and protobuf), reads the source, hashes it, writes as many bytes and syncs them to disk. Ours is the
command of one conversion: its worker, a store and the published files included, the check left out.
The two run in turn, after one run of each that is not counted; the ratios are those of the medians
and of the least times. Processor time is the least of the whole tree of processes. Peak memory is
that of the largest process.
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
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parents[1]
FLOOR = """
import hashlib, os, sys
import {library}
data = open(sys.argv[1], "rb").read()
hashlib.sha256(data).hexdigest()
with open(sys.argv[2], "wb") as file:
    file.write(data)
    file.flush()
    os.fsync(file.fileno())
"""
SOURCES = {"tm": "tracedmodule", "mge": "mge"}
LIBRARIES = {
    "onnx": "onnx",
    "tflite": "numpy, flatbuffers",
    "caffe": "numpy, google.protobuf.text_format",
}


@dataclass(frozen=True)
class Run:
    """Seconds of wall time and of processors, and the peak resident bytes."""

    seconds: float
    processor: float
    peak: int


def run(command: Sequence[str], environment: dict[str, str]) -> Run:
    """Run a command and measure it, with all processes below it."""
    start = perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **environment})
    _, status, usage = os.wait4(process.pid, 0)
    seconds = perf_counter() - start
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def ours(source: Path, folder: Path, kind: str, target: str) -> Run:
    store = folder / "store"
    shutil.rmtree(store, ignore_errors=True)
    for file in folder.glob("ours.*"):
        file.unlink()
    command = [str(Path(sys.executable).with_name("mgeconvert"))]
    command += [f"{SOURCES[kind]}_to_{target}", "-i", str(source)]
    if target == "caffe":
        command += ["-c", str(folder / "ours.prototxt"), "-b", str(folder / "ours.caffemodel")]
    elif target == "tflite":
        command += ["-o", str(folder / "ours.tflite")]
    else:
        command += ["-o", str(folder / "ours.onnx"), "--opset", "13"]
    return run(command, {"MGECONVERT_STORE": str(store)})


def floor(source: Path, folder: Path, target: str) -> Run:
    file = folder / "floor"
    file.unlink(missing_ok=True)
    program = FLOOR.format(library=LIBRARIES[target])
    return run([sys.executable, "-c", program, str(source), str(file)], {})


def show(name: str, measured: Sequence[Run]) -> tuple[float, float, int]:
    """Print what the runs took; return the median and the least time, and the peak memory."""
    seconds = sorted(one.seconds for one in measured)
    middle, least = statistics.median(seconds), seconds[0]
    peak, processor = max(r.peak for r in measured), min(r.processor for r in measured)
    print(
        f"{name:6} {middle:.2f} s (min {least:.2f}, max {seconds[-1]:.2f}), "
        f"processor {processor:.2f} s, peak {peak / 1e6:.0f} MB"
    )
    return middle, least, peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="?", type=int, default=5)
    parser.add_argument("--kind", choices=sorted(SOURCES), default="tm")
    parser.add_argument("--target", choices=sorted(LIBRARIES), default="onnx")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        source = write_source(folder, arguments.kind)
        size = source.stat().st_size
        kind, target = arguments.kind, arguments.target
        ours(source, folder, kind, target), floor(source, folder, target)
        pairs = [
            (ours(source, folder, kind, target), floor(source, folder, target))
            for _ in range(arguments.runs)
        ]
    print(f"source: {size / 1e6:.0f} MB")
    middle, least, peak = show("ours", [a for a, _ in pairs])
    base, base_least, _ = show("floor", [b for _, b in pairs])
    print(
        f"time: {middle / base:.2f} times the floor, of the least times {least / base_least:.2f}; "
        f"memory: {peak / size:.2f} times the file"
    )


def write_source(folder: Path, kind: str) -> Path:
    """Have MegEngine write the model, in a process of its own."""
    name = {"tm": "resnet50", "mge": "resnet50-v2"}[kind]
    path = folder / f"resnet50.{kind}"
    maker = ROOT / "examples" / "make_models.py"
    subprocess.run([sys.executable, maker, name, "--output", path], check=True)
    return path


if __name__ == "__main__":
    main()

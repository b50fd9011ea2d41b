"""A converter and a checker that take their orders from the source file, for tests of the build.

A fake source is the head of a pickle (so that it counts as a traced module), then lines:
`data TEXT` is what the artifact holds; `convert ORDER` and `check ORDER` say what to do before.
"""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mgeconvert.errors import ConversionFailed, Location, UnsupportedOp
from mgeconvert.manifest import Job

HEAD = b"\x80\x04"
LOG = "MGECONVERT_TEST_LOG"


@dataclass(frozen=True)
class Artifact:
    files: Mapping[str, Iterator[bytes]]
    notes: tuple[str, ...] = ()


def source(data: str, **orders: str) -> bytes:
    lines = [f"data {data}", *(f"{stage} {order}" for stage, order in orders.items())]
    return HEAD + "\n".join(lines).encode()


def convert(job: Job, *, modes: tuple[str, ...], source_sha256: str) -> Artifact:
    _log(f"convert {job.name}")
    text = Path(job.source).read_bytes()[len(HEAD) :].decode()
    _obey(text, "convert")
    files = {f"{job.stem}.onnx": _chunks(job, text)}
    if job.options.external_data == "always":
        files[f"{job.stem}.onnx.data"] = iter([text.encode() * 3])
    return Artifact(files, ("a note",))


def _chunks(job: Job, text: str) -> Iterator[bytes]:
    yield f"opset {job.options.opset}\n".encode()
    _obey(text, "stream")
    yield text.encode()


class Checker:
    def __enter__(self) -> "Checker":
        return self

    def __exit__(self, *error: object) -> None:
        _log("checker closed")

    def __call__(self, request: Mapping[str, Any]) -> dict[str, Any]:
        job = Job.from_dict(request["job"])
        _log(f"check {job.name} {os.getpid()}")
        text = Path(request["artifact"]).read_bytes().decode()
        assert Path(request["artifact"]).name == f"{job.stem}.onnx"
        _obey(text, "check")
        problems = ["out differs"] if "check differs" in text else []
        return {"ok": not problems, "problems": problems, "cases": []}


def _log(line: str) -> None:
    if LOG in os.environ:
        with open(os.environ[LOG], "a") as file:
            file.write(line + "\n")


def _obey(text: str, stage: str) -> None:
    for line in text.splitlines():
        first, _, order = line.partition(" ")
        if first == stage:
            ORDERS.get(order, _nothing)()


def _nothing() -> None:
    pass


def _crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _hang() -> None:
    time.sleep(60)


def _slow() -> None:
    time.sleep(0.5)


def _bomb() -> None:
    hoard = []
    while True:
        hoard.append(b"x" * (8 << 20))


def _exit() -> None:
    print("last words", flush=True)
    os._exit(3)


def _refuse() -> None:
    raise ConversionFailed(
        [UnsupportedOp("no rule for X", at=Location("traced", "X", "x")), UnsupportedOp("and Y")]
    )


def _bug() -> None:
    raise ZeroDivisionError("a bug")


ORDERS = {
    "crash": _crash,
    "hang": _hang,
    "slow": _slow,
    "bomb": _bomb,
    "exit": _exit,
    "refuse": _refuse,
    "bug": _bug,
}

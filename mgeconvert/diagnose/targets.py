"""What an artifact computes, asked of its runtime: the same for each format whose runtime shows it.

A new format needs `Artifact.tensors` from its backend and `inner` from its runtime, nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mgeconvert.backends import Artifact
from mgeconvert.check.request import CheckRequest
from mgeconvert.check.runners.protocol import Arrays, Description, Runner
from mgeconvert.check.runtimes import runtimes
from mgeconvert.check.source import Clock, GetRunner
from mgeconvert.diagnose.tensors import Fetch
from mgeconvert.errors import ConvertError, UnsupportedCase
from mgeconvert.ir import Array, Graph, Value


@dataclass(frozen=True)
class Target:
    """An artifact that is open in its runtime."""

    runtime: str
    runner: Runner
    ports: Description
    clock: Clock

    def run(self, feeds: Arrays) -> dict[str, Array]:
        """Return the outputs by name, of the file as it is."""
        return self.runner.run(feeds, seconds=self.clock.left())

    def tensors(self, feeds: Arrays) -> Fetch:
        """Return what asks for tensors by the runtime's own names."""

        def fetch(names: Sequence[str]) -> Mapping[str, Array]:
            return self.runner.inner(feeds, names, seconds=self.clock.left())

        return fetch


def open_target(path: Path, request: CheckRequest, *, runner: GetRunner, clock: Clock) -> Target:
    """Open an artifact in the first runtime that has its operators."""
    refused: UnsupportedCase | None = None
    for info in runtimes(request.format):
        process = runner(info.module, memory=request.memory, side="artifact")
        try:
            ports = process.open(str(path), format=request.format, outputs=(), seconds=clock.left())
        except UnsupportedCase as error:
            refused = error
            continue
        return Target(info.name, process, ports, clock)
    raise refused or ConvertError(f"no runtime for the format {request.format!r}")


def write(artifact: Artifact, folder: Path) -> Path:
    """Write the files of an artifact; return the path of the main one, which is the first."""
    paths = []
    for name, chunks in artifact.files.items():
        paths.append(folder / name)
        with paths[-1].open("wb") as file:
            file.writelines(chunks)
    return paths[0]


def taps(graph: Graph, artifact: Artifact) -> dict[Value, tuple[str, ...]]:
    """Return what the runtime calls the values of a lowered graph."""
    values = (v for node in graph for v in node.outputs)
    return {v: (artifact.tensors[v.name],) for v in values if v.name in artifact.tensors}

"""What a source computes inside, asked of its own runtime: an adapter for each format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mgeconvert.check.request import CheckRequest
from mgeconvert.check.runners.protocol import Arrays, Runner
from mgeconvert.check.runtimes import runtimes
from mgeconvert.check.source import Clock, GetRunner
from mgeconvert.diagnose.tensors import Fetch
from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends import Watch
from mgeconvert.ir import Array, Graph, Value

Open = Callable[[Runner, CheckRequest, Sequence[str], Clock, Path], Mapping[str, str]]
"""Opens the source for a look at tensors, given by a frontend's keys; returns the runtime's names.

The folder is there for a file that it may need.
"""
NOTHING = "none"


class Watched:
    """Collects what a frontend shows: keys, numbered where a module is called again, and values."""

    def __init__(self) -> None:
        self._seen: list[tuple[str, Value]] = []

    @property
    def watch(self) -> Watch:
        return lambda key, value: self._seen.append((key, value))

    def taps(self, graph: Graph) -> dict[Value, tuple[str, ...]]:
        """Return the keys of each value of the finished graph, constants left out.

        A value that the frontend has replaced since is met by its name.
        """
        alive = {v: v for n in graph for v in n.outputs} | {p.value: p.value for p in graph.inputs}
        names = {v.name: v for v in alive}
        found: dict[Value, tuple[str, ...]] = {}
        counts: dict[str, int] = {}
        for key, shown in self._seen:
            count = counts[key] = counts.get(key, -1) + 1
            value = alive.get(shown) or (names.get(shown.name) if shown.const is None else None)
            if value is not None:
                found[value] = (*found.get(value, ()), f"{key}#{count}")
        return found


def source_tensors(
    request: CheckRequest,
    feeds: Arrays,
    keys: Sequence[str],
    *,
    runner: GetRunner,
    clock: Clock,
    folder: Path,
) -> Fetch:
    """Open the source; return what asks it for tensors by the keys of `Watched.taps`.

    A traced one rounds nothing where the request says "none"; others keep all of their rounding.

    Raises UnsupportedCase for a format without an adapter, and what the runtime says.
    """
    if request.source_format not in OPENERS:
        raise UnsupportedCase(f"no way to look inside of {request.source_format} sources")
    info = runtimes(request.source_format)[0]
    opened = runner(info.module, memory=request.memory, side="source")
    names = OPENERS[request.source_format](opened, request, keys, clock, folder)

    def fetch(asked: Sequence[str]) -> Mapping[str, Array]:
        known = {names[key]: key for key in asked if key in names}
        shown = opened.inner(feeds, list(known), seconds=clock.left())
        return {known[name]: array for name, array in shown.items()}

    return fetch


def _open_traced(
    runner: Runner, request: CheckRequest, keys: Sequence[str], clock: Clock, folder: Path
) -> Mapping[str, str]:
    rounding = NOTHING if request.rounding == NOTHING else ""
    _open(runner, request.source, request, clock, rounding=rounding)
    return {key: key for key in keys}


def _open_mge(
    runner: Runner, request: CheckRequest, keys: Sequence[str], clock: Clock, folder: Path
) -> Mapping[str, str]:
    """Write the dump again with the variables as outputs: inside of a dump they have no names."""
    from mgeconvert.frontends.mge.outputs import with_outputs

    ids = {key: int(key.partition("#")[0]) for key in keys}
    places = {made: str(index) for index, made in enumerate(dict.fromkeys(ids.values()))}
    path = folder / "outputs.mge"
    with path.open("wb") as file:
        file.writelines(with_outputs(Path(request.source), tuple(places)))
    _open(runner, str(path), request, clock)
    return {key: places[made] for key, made in ids.items()}


def _open_onnx(
    runner: Runner, request: CheckRequest, keys: Sequence[str], clock: Clock, folder: Path
) -> Mapping[str, str]:
    _open(runner, request.source, request, clock)
    return {key: key.rpartition("#")[0] for key in keys}


def _open(
    runner: Runner, path: str, request: CheckRequest, clock: Clock, *, rounding: str = ""
) -> None:
    runner.open(
        path,
        format=request.source_format,
        outputs=(),
        seconds=clock.left(),
        rounding=rounding,
    )


OPENERS: Mapping[str, Open] = {"traced": _open_traced, "mge": _open_mge, "onnx": _open_onnx}

"""What a model is fed in a check, case by case: random arrays or samples (numpy only)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mgeconvert.check.random_data import random_array
from mgeconvert.check.request import CheckRequest, Grid, InputRequest
from mgeconvert.check.runners.protocol import Array, Arrays, Port
from mgeconvert.check.samples import Sample, read_sample
from mgeconvert.errors import ConvertError, Location

BATCHES = (1, 5)
CHUNK = 64


@dataclass(frozen=True)
class Batch:
    """The feeds of one run; the first `rows` of its rows are new, None stands for all of them."""

    feeds: Arrays
    rows: int | None


@dataclass(frozen=True)
class Case:
    """One way of filling the inputs: sizes for the symbolic dimensions, random data or samples.

    `rows` is the number of rows of a sample to run through, 0 for random data. `complete` says that
    classes are counted: random data, or all rows of the samples once.
    """

    name: str
    model: str
    seed: int
    ports: tuple[Port, ...]
    ranges: Mapping[str, tuple[float, float] | None]
    symbols: Mapping[str, int]
    samples: Mapping[str, Sample]
    rows: int
    complete: bool
    grids: Mapping[str, Grid]

    def batches(self) -> Iterator[Batch]:
        """Yield the feeds of each run; the same ones whenever it is called."""
        size = self._batch()
        for start in range(0, max(1, self.rows), size):
            rows = min(size, max(1, self.rows) - start)
            grow = {} if self._fixed() else self._leading(rows)
            symbols = {**self.symbols, **grow}
            feeds = {
                port.name: self._fill(port, symbols=symbols, start=start) for port in self.ports
            }
            yield Batch(feeds, rows if self.rows else None)

    def _fill(self, port: Port, *, symbols: Mapping[str, int], start: int) -> Array:
        shape = bind(port, symbols)
        sample = self.samples.get(port.name)
        if sample:
            return self._on_grid(port, sample.cut(start, shape))
        key = (self.model, port.name, self.name, start)
        made = random_array(
            shape, np.dtype(port.dtype), range=self.ranges[port.name], seed=self.seed, key=key
        )
        return self._on_grid(port, made)

    def _on_grid(self, port: Port, array: Array) -> Array:
        grid = self.grids.get(port.name)
        return array if grid is None else on_grid(array, grid)

    def _fixed(self) -> bool:
        return not self.rows or not any(
            isinstance(port.shape[0], str)
            for port in self.ports
            if port.shape and port.name in self.samples
        )

    def _batch(self) -> int:
        """The rows of one run: what the model is made for, or a chunk where it takes any number."""
        if not self.rows:
            return 1
        if not self._fixed():
            return min(CHUNK, self.rows)
        samples = self.samples.values()
        moving = [sample for sample in samples if sample.rows is not None] or list(samples)
        return max((s.rows_per_run for s in moving if s.rows_per_run), default=self.rows)

    def _leading(self, rows: int) -> dict[str, int]:
        heads = [p.shape[0] for p in self.ports if p.shape and p.name in self.samples]
        return {head: rows for head in heads if isinstance(head, str)}


def cases(
    inputs: Sequence[Port], source: Sequence[Port], request: CheckRequest
) -> tuple[Case, ...]:
    """Return the cases for an artifact's `inputs`, with the `source`'s own sizes as a help.

    Raises ConvertError for a request that does not fit the model: an unknown input, a shape of
    another rank, a sample that has the wrong form, an element type that cannot be filled.
    """
    asked = {entry.name: entry for entry in request.inputs}
    unknown = sorted(set(asked) - {port.name for port in inputs})
    if unknown:
        names = ", ".join(port.name for port in inputs)
        raise _wrong(request, unknown[0], f"the model has no such input; it has {names}")
    ports = tuple(_override(port, asked.get(port.name), request) for port in inputs)
    ranges = {port.name: asked[port.name].range if port.name in asked else None for port in ports}
    samples = {
        port.name: read_sample(str(asked[port.name].sample), port, alone=len(ports) == 1)
        for port in ports
        if port.name in asked and asked[port.name].sample
    }
    bindings = _bindings(ports, source, samples, request)
    grids = _grids(ports, request)

    def case(
        name: str, symbols: Mapping[str, int], *, rows: int = 0, complete: bool = False
    ) -> Case:
        return Case(
            name,
            request.model,
            request.seed,
            ports,
            ranges,
            symbols,
            samples,
            rows,
            complete,
            grids,
        )

    if not samples:
        return tuple(
            case(_title(f"random {run}", symbols), symbols, complete=True)
            for symbols in bindings
            for run in range(1, request.runs + 1)
        )
    rows = _rows(samples)
    heads = {p.shape[0] for p in ports if p.shape and p.name in samples}
    symbolic = [head for head in heads if isinstance(head, str)]
    some = [
        case(_title("sample", symbols), symbols, rows=symbols[symbolic[0]])
        for symbols in bindings
        if symbolic
    ]
    return (*some, case("sample, all rows", bindings[0], rows=rows, complete=True))


def on_grid(array: Array, grid: Grid) -> Array:
    """Return the nearest numbers of the grid, in the element type of the array."""
    whole = np.rint(array.astype(np.float64) / np.float64(grid.scale)) + grid.zero_point
    whole = np.clip(whole, grid.low, grid.high) - grid.zero_point
    rounded: Array = whole.astype(np.float32) * np.float32(grid.scale)
    return rounded.astype(array.dtype)


def _grids(ports: Sequence[Port], request: CheckRequest) -> Mapping[str, Grid]:
    if not request.grids:
        return {}
    if len(request.grids) != len(ports):
        problem = f"{len(request.grids)} input scales for {len(ports)} inputs"
        raise ConvertError(problem, hint="give one for each input")
    return {port.name: grid for port, grid in zip(ports, request.grids)}


def bind(port: Port, symbols: Mapping[str, int]) -> tuple[int, ...]:
    """Return the port's shape with its symbols replaced."""
    return tuple(symbols[dim] if isinstance(dim, str) else dim for dim in port.shape or ())


def digest(batch: Batch) -> str:
    """Return the SHA-256 of the feeds: names, types, shapes and bytes, in order."""
    hashed = hashlib.sha256()
    for name, array in batch.feeds.items():
        hashed.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        hashed.update(np.ascontiguousarray(array).data)
    return hashed.hexdigest()


def _bindings(
    ports: Sequence[Port],
    source: Sequence[Port],
    samples: Mapping[str, Sample],
    request: CheckRequest,
) -> tuple[Mapping[str, int], ...]:
    """Return the sizes of the symbols for each round of cases, as docs/check.md says."""
    symbols = {
        dim: (port, axis)
        for port in reversed(ports)
        for axis, dim in reversed(tuple(enumerate(port.shape or ())))
        if isinstance(dim, str)
    }
    for asked in request.bindings:
        unbound = sorted(set(symbols) - set(asked))
        if unbound:
            raise _wrong(request, unbound[0], "a binding gives no size to this dimension")
    if request.bindings or not symbols:
        return tuple(request.bindings) or ({},)
    own = {port.name: port.shape or () for port in source}
    sizes = {
        symbol: _sizes(axis, own.get(port.name, ()), samples.get(port.name))
        for symbol, (port, axis) in reversed(symbols.items())
    }
    return tuple({symbol: pair[turn] for symbol, pair in sizes.items()} for turn in (0, 1))


def _sizes(axis: int, own: Sequence[int | str], sample: Sample | None) -> tuple[int, int]:
    """Return 1 and 5 for a leading symbol; else the sample's size, or the source's and twice it."""
    if axis == 0:
        return BATCHES
    if sample:
        return sample.data.shape[axis], sample.data.shape[axis]
    size = own[axis] if axis < len(own) else None
    return (size, 2 * size) if isinstance(size, int) and size > 0 else BATCHES


def _override(port: Port, asked: InputRequest | None, request: CheckRequest) -> Port:
    """Return the port with the sizes that the request gives to its symbols."""
    if not port.dtype or np.dtype(port.dtype).kind not in "biuf":
        raise _wrong(request, port.name, "its element type cannot be filled for a check")
    shape = port.shape
    if asked and asked.shape is not None:
        if shape is not None and len(asked.shape) != len(shape):
            raise _wrong(request, port.name, f"shape {asked.shape} for an input of {shape}")
        known = shape or asked.shape
        shape = tuple(b if isinstance(a, str) else a for a, b in zip(known, asked.shape))
    if shape is None:
        raise _wrong(request, port.name, "its shape is unknown", hint="give its shape")
    return Port(port.name, port.dtype, shape)


def _rows(samples: Mapping[str, Sample]) -> int:
    counts = {sample.rows for sample in samples.values() if sample.rows is not None}
    if len(counts) > 1:
        listed = ", ".join(f"{name}: {sample.rows}" for name, sample in samples.items())
        raise ConvertError(f"the samples have different numbers of rows: {listed}")
    whole = [sample.rows_per_run or 1 for sample in samples.values()]
    return counts.pop() if counts else max(whole)


def _title(what: str, symbols: Mapping[str, int]) -> str:
    return ", ".join([what, *(f"{name}={size}" for name, size in symbols.items())])


def _wrong(request: CheckRequest, name: str, problem: str, *, hint: str = "") -> ConvertError:
    return ConvertError(problem, at=Location("check", "input", name, request.model), hint=hint)

"""The values of a graph against those of another system, one after the other, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from mgeconvert.check.result import Comparison
from mgeconvert.diagnose.result import Difference
from mgeconvert.diagnose.saturation import idle_input, saturation
from mgeconvert.diagnose.tolerance import Tolerance
from mgeconvert.errors import Location
from mgeconvert.ir import Array, Graph, Quant, Value
from mgeconvert.ir.dims import bind
from mgeconvert.ir.interpret import bindings, evaluate
from mgeconvert.ir.quantize import dequantize

CHUNK = 64 * 2**20
"""Bytes of tensors that are asked of the other system at a time."""

Fetch = Callable[[Sequence[str]], Mapping[str, Array]]
"""Returns tensors of another system by their keys there; those that it cannot show are left out."""


@dataclass(frozen=True)
class Sweep:
    """What came of comparing a graph: tensors compared and not shown, the first difference.

    `outputs` are the graph's, {} where the sweep ended early. `wrong` is the value that differs,
    `good` are those that were compared before it, `expected` is the other system's array. `slight`
    is a difference of the size of rounding: it is the first where an output of the graph differs,
    too, and nothing differs by more. `saturated` says which value, of those that both agree on or
    that is right by definition, shows that the inputs do not suit the model, "" for none.
    """

    compared: int
    unmatched: int
    first: Difference | None = None
    outputs: Mapping[str, Array] = field(default_factory=dict)
    wrong: Value | None = None
    good: frozenset[Value] = frozenset()
    expected: Array | None = None
    slight: Difference | None = None
    saturated: str = ""

    @property
    def only_slight(self) -> bool:
        """Whether the first difference is one of rounding."""
        return self.first is not None and self.first is self.slight


@dataclass(frozen=True)
class _Wrong:
    """A difference, and what had been compared when it was met."""

    difference: Difference
    value: Value
    good: frozenset[Value]
    expected: Array
    seen: int


class _Found(Exception):
    """The first difference, which ends the evaluation."""


class Sweeper:
    """Evaluates a graph and compares each of its values as soon as it is known.

    taps: the keys that a value has on the other side, several where operators there do nothing
    wants: "other" where the other system is right by definition, "graph" where the graph is
    failed: whether it is known that something is wrong, so that rounding is, if nothing else
    """

    def __init__(
        self,
        taps: Mapping[Value, Sequence[str]],
        fetch: Fetch,
        *,
        tolerance: Tolerance,
        wants: Literal["graph", "other"],
        failed: bool = False,
    ) -> None:
        self._taps, self._fetch = taps, fetch
        self._tolerance, self._wants = tolerance, wants
        self._held: dict[str, Array] = {}
        self._chunks: Iterator[list[str]] = iter(())
        self._asked: set[str] = set()
        self._good: set[Value] = set()
        self._seen = self._unmatched = 0
        self._first: _Wrong | None = None
        self._slight: _Wrong | None = None
        self._output_differs = failed
        self._idle: dict[Value, bool] = {}
        self._saturated = ""

    def run(self, graph: Graph, feeds: Mapping[str, Array], *, quantized: bool = False) -> Sweep:
        """Compare until something differs."""
        known = bindings(graph, feeds)
        values = [p.value for p in graph.inputs] + [v for n in graph for v in n.outputs]
        tapped = [v for v in values if v in self._taps]
        self._unmatched = sum(1 for v in values if v.producer and v not in self._taps)
        self._chunks = iter(list(_chunks(tapped, self._taps, known)))
        outputs: Mapping[str, Array] = {}
        try:
            for port in graph.inputs:
                self._observe(port.value, feeds[port.name])
            outputs = evaluate(graph, feeds, self._observe, quantized=quantized)
        except _Found:
            pass
        return self._sweep(outputs)

    def _sweep(self, outputs: Mapping[str, Array]) -> Sweep:
        slight = self._slight
        wrong = self._first or (slight if self._output_differs else None)
        if wrong is None:
            found = slight.difference if slight else None
            return Sweep(
                self._seen,
                self._unmatched,
                outputs=outputs,
                slight=found,
                saturated=self._saturated,
            )
        return Sweep(
            wrong.seen,
            self._unmatched,
            wrong.difference,
            outputs,
            wrong.value,
            wrong.good,
            wrong.expected,
            slight.difference if slight is not None else None,
            self._saturated or idle_input(wrong.value, self._idle),
        )

    def _observe(self, value: Value, array: Array) -> None:
        shown = False
        for key in self._taps.get(value, ()):
            other = self._other(key)
            if other is None:
                continue
            shown = True
            other = _real(other, value)
            found = self._compare(value, key, array, other)
            self._look(value, array if found.ok or self._wants == "graph" else other)
            if not found.ok:
                self._note(value, key, array, other, found)
        if value in self._taps:
            self._seen += shown
            self._unmatched += not shown
        if shown:
            self._good.add(value)

    def _look(self, value: Value, right: Array) -> None:
        """Note what the right numbers of a value say of the inputs."""
        self._saturated = self._saturated or saturation(value, right)
        self._idle[value] = right.size > 1 and right.dtype.kind == "f" and not right.any()

    def _note(self, value: Value, key: str, array: Array, other: Array, found: Comparison) -> None:
        """Keep the first difference of each kind, and end with the first that is no rounding."""
        got, want = (array, other) if self._wants == "other" else (other, array)
        self._output_differs |= value.is_output and self._tolerance.rounded_snr is None
        rounding = self._tolerance.is_rounding(got, want, slack=_slack(value))
        if rounding and self._slight is not None:
            return
        good = frozenset(self._good)
        wrong = _Wrong(difference(value, key, found), value, good, other, self._seen)
        if rounding:
            self._slight = wrong
            return
        self._first = wrong
        raise _Found

    def _other(self, key: str) -> Array | None:
        while key not in self._asked:
            chunk = next(self._chunks)
            self._held = dict(self._fetch(chunk))
            self._asked.update(chunk)
        return self._held.get(key)

    def _compare(self, value: Value, key: str, array: Array, other: Array) -> Comparison:
        """Compare; a rounded value may be off by one step, since ties are rounded in many ways."""
        got, want = (array, other) if self._wants == "other" else (other, array)
        return self._tolerance.compare(key, got, want, slack=_slack(value))


def difference(value: Value, key: str, found: Comparison) -> Difference:
    """Describe what is wrong with `value`, which the other system calls `key`."""
    node = value.producer
    if node is None:
        return Difference("input", value.name, key, Location("input", name=value.name), (), found)
    return Difference(str(node.op), value.name, key, node.origin, node.via, found)


def _chunks(
    values: Sequence[Value], taps: Mapping[Value, Sequence[str]], known: Mapping[str, int]
) -> Iterator[list[str]]:
    """Yield keys in the graph's order, of about CHUNK bytes at a time."""
    chunk: list[str] = []
    size = 0
    for value in values:
        dims = [bind(d, known) for d in value.type.shape]
        count = np.prod([d for d in dims if isinstance(d, int)], dtype=np.int64)
        needed = int(count) * value.type.dtype.numpy.itemsize * len(taps[value])
        if chunk and size + needed > CHUNK:
            yield chunk
            chunk, size = [], 0
        chunk.extend(taps[value])
        size += needed
    if chunk:
        yield chunk


def _real(array: Array, value: Value) -> Array:
    """Return the numbers that quantized whole ones stand for."""
    if value.quant is None or array.dtype.kind not in "iu" or not value.type.dtype.is_float:
        return array
    return dequantize(array, value.quant)


def _slack(value: Value) -> float:
    """Return one step of a quantized value, by its annotation or the operator that rounds it."""
    quant = value.quant or getattr(value.producer and value.producer.op, "quant", None)
    return float(max(quant.scale)) if isinstance(quant, Quant) else 0.0

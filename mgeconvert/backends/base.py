"""What a backend is: rules for operators, a pipeline of passes, a writer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from mgeconvert.errors import ConversionFailed, ConvertError, Location, UnsupportedOp
from mgeconvert.ir import Graph, Node, Op
from mgeconvert.ir.passes import Observer
from mgeconvert.rules import Rules

Chunk = bytes | bytearray | memoryview


@dataclass(frozen=True)
class Artifact:
    """The files of a converted model: name -> chunks of bytes, in the order to be written.

    The chunks may be views of the source's weights: they are read once. `notes` are sentences for
    the report, such as how often an optimizer changed the graph. `tensors` says what the target's
    runtime calls the values of the lowered graph, by the value's name, where it can show them;
    `layouts` how its ports are permuted (axis i of the graph's is axis layouts[name][i] of the
    source's), those left out that are not.
    """

    files: Mapping[str, Iterable[Chunk]]
    notes: tuple[str, ...] = ()
    tensors: Mapping[str, str] = field(default_factory=dict)
    layouts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Quantization:
    """What is asked for quantized models: see the manifest's `quantization`.

    `params` are the entries of a quant_params.json; None where there is none.
    """

    param_fake_quant: bool = False
    params: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Request:
    """What a backend is asked for besides the graph.

    `options` is the options object of the format from the manifest, `stem` the file name without
    its ending, `provenance` what goes into the artifact's metadata, sorted by key.
    """

    options: Any
    stem: str
    provenance: Mapping[str, str]
    quantization: Quantization = Quantization()


class Names:
    """Names that are taken, and new ones beside them."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._counts: dict[str, int] = {}

    def unique(self, wanted: str) -> str:
        """Return `wanted`, or `wanted_1`, `wanted_2` ... where that is taken, and take it."""
        name, i = wanted, self._counts.get(wanted, 0)
        while name in self._taken:
            i += 1
            name = f"{wanted}_{i}"
        self._counts[wanted] = i
        self._taken.add(name)
        return name


class Backend(Protocol):
    """One target format."""

    name: str

    def convert(self, graph: Graph, request: Request, observe: Observer) -> Artifact:
        """Lower `graph`, which is used up; raise ConversionFailed with all the problems found."""
        ...


Lowering = Callable[[Any, Any], Any]  # (emitter, node) -> names of the results


def lower(
    graph: Graph,
    rules: Rules[type[Op], Lowering],
    version: int,
    apply: Callable[[Lowering, Node[Any]], None],
) -> None:
    """Find the rule of every node and apply it; raise ConversionFailed with all the problems."""
    problems: list[ConvertError] = []
    for node in graph:
        try:
            apply(_rule(rules, node, version), node)
        except ConvertError as error:
            error.at = error.at or location(rules.name, node)
            problems.append(error)
    if problems:
        raise ConversionFailed(problems)


def location(stage: str, node: Node[Any]) -> Location:
    """Say where in the user's model `node` comes from, as seen from the target `stage`."""
    origin = " ".join(part for part in (node.origin.op, node.origin.path) if part)
    return Location(stage, type(node.op).__name__, node.outputs[0].name, origin)


def _rule(rules: Rules[type[Op], Lowering], node: Node[Any], version: int) -> Lowering:
    rule = rules.find(type(node.op), version)
    if rule is not None:
        return rule
    first = rules.first(type(node.op))
    if first is None:
        raise UnsupportedOp(f"{rules.name} has no rule for {type(node.op).__name__}")
    raise UnsupportedOp(
        f"{rules.unit} {version} cannot express {type(node.op).__name__}",
        hint=f"use {rules.unit} {first} or newer",
    )

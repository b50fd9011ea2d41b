"""What layers and blobs are called, over every family of the zoo that converts to Caffe."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from mgeconvert import frontends
from mgeconvert.backends import Request, load
from mgeconvert.backends.caffe import schema
from mgeconvert.frontends.traced.read import read as records
from mgeconvert.frontends.traced.records import CallModule, Constant, GetAttr
from mgeconvert.frontends.traced.records import Graph as Record
from mgeconvert.ir import Array, Graph, Value, evaluate, ops
from tests.caffe_backend import reader
from tests.caffe_backend.running import Files, Options, difference, same_message, unobserved
from tests.zoo import FAMILIES, feeds
from tests.zoo.child import run as run_child
from tests.zoo.test_convert import folder, graph
from tests.zoo.test_dumps import MADE
from tests.zoo.test_dumps import graph as dump

pytestmark = pytest.mark.slow

TOLERANCE = 1e-4  # of the largest element: what a Caffe target is held to
PLAIN = Options()
TRACED = [*FAMILIES]
SOURCES = [
    *((name, "tm", dialect) for name in TRACED for dialect in ("bvlc", "opencv")),
    *((name, variant, "bvlc") for name, variant in MADE if variant in ("v2", "v2-kept", "v1")),
]


@dataclass(frozen=True)
class Converted:
    """A net, the graph that was lowered to it, and what the source's values and the blobs hold."""

    graph: Graph
    tensors: Mapping[str, str]
    text: schema.Message
    binary: schema.Message
    files: Files
    computed: Mapping[str, Array]
    blobs: Mapping[str, Array]
    unread: list[str]

    @property
    def values(self) -> dict[str, Value]:
        """The values that nodes of the lowered graph compute, by name."""
        return {v.name: v for node in self.graph for v in node.outputs}

    @property
    def inputs(self) -> list[str]:
        return [port.name for port in self.graph.inputs]

    @property
    def outputs(self) -> list[str]:
        return [port.name for port in self.graph.outputs]


def source(name: str, variant: str) -> Graph:
    if variant == "tm":
        return graph(name, symbolic=False)
    return dump(name, variant, symbolic=False)


@cache
def converted(name: str, variant: str, options: Options = PLAIN) -> Converted:
    """Convert a family, and compute every value of the source and every blob of the net."""
    lowered, arrays, computed = source(name, variant), feeds(name), {}

    def observe(value: Value, array: Array) -> None:
        computed[value.name] = array

    evaluate(lowered, arrays, observe)
    artifact = load("caffe").convert(lowered, Request(options, "net", {}), unobserved)
    files = Files(*(b"".join(bytes(c) for c in chunks) for chunks in artifact.files.values()))
    text, binary = files.nets()
    blobs, unread = reader.run_all(text, binary, arrays)
    return Converted(lowered, artifact.tensors, text, binary, files, computed, blobs, unread)


@pytest.fixture(params=SOURCES, ids=" ".join, scope="module")
def net(request: pytest.FixtureRequest) -> Converted:
    name, variant, dialect = request.param
    return converted(name, variant, Options(dialect))


def test_the_blob_with_the_name_of_a_value_holds_it(net: Converted) -> None:
    known = {**net.computed, **{p.name: net.computed.get(p.value.name) for p in net.graph.outputs}}
    found = [name for name in net.blobs if known.get(name) is not None]
    assert found
    for name in found:
        want, got = known[name], net.blobs[name]
        assert got.shape == (want.shape or (1,)), name
        problem = difference(want.astype(np.float32).reshape(got.shape), got, tolerance=TOLERANCE)
        assert not problem, f"{name}: {problem}"


def test_layers_have_the_name_of_their_first_top_and_all_names_are_unique(net: Converted) -> None:
    layers = [layer.name for layer in net.text.layer]
    tops = [top for layer in net.text.layer for top in layer.top]
    assert len({*layers}) == len(layers)
    assert len({*tops}) == len(tops)
    for layer in net.text.layer:
        assert layer.name == (layer.top[0] if layer.top else "silence")
        assert not {*layer.top} & {*layer.bottom}, "in place"


def test_steps_are_called_after_the_value_that_they_lead_to(net: Converted) -> None:
    constants = [value.name for value in net.graph.constants()]
    owners = {*net.values, *constants, *net.inputs, *net.outputs}
    for top in net.blobs:
        starts = (top[:i] for i, letter in enumerate(top) if letter == ".")
        assert top in owners or any(start in owners for start in starts), top


def test_values_of_single_layers_are_found_by_their_names(net: Converted) -> None:
    blobs = {layer.name: [*layer.top] for layer in net.text.layer}
    assert net.tensors
    for value, layer in net.tensors.items():
        assert blobs[layer][0] == layer
        if layer not in (value, f"{value}.read"):  # an output, or another value that is the same
            same, array = net.blobs[layer], net.computed[value]
            assert layer in (*net.values, *net.outputs)
            assert not difference(array, same.reshape(array.shape), tolerance=TOLERANCE)


def test_outputs_stand_last_in_the_order_of_the_source_and_the_rest_is_read(
    net: Converted,
) -> None:
    assert net.unread == net.outputs
    last = net.text.layer[-len(net.outputs) :]
    assert [[*layer.top] for layer in last] == [[name] for name in net.outputs]
    first = net.text.layer[: len(net.inputs)]
    assert [[layer.type, *layer.top] for layer in first] == [["Input", n] for n in net.inputs]


def test_weights_stand_in_the_layer_of_their_value(net: Converted) -> None:
    assert same_message(net.files)
    blobs = {layer.name: layer.blobs for layer in net.binary.layer if layer.blobs}
    layers = {layer.name: layer.type for layer in net.text.layer}
    assert {*blobs} <= {*layers}
    for name, value in net.values.items():
        owner = name if layers.get(name) else f"{name}.read"
        if isinstance(value.producer.op, ops.Conv) and layers.get(owner) == "Convolution":
            want = value.producer.inputs[1].const
            kernel = np.array(blobs[owner][0].data, np.float32)
            assert kernel[kernel != 0].tobytes() == want[want != 0].tobytes(), name


@pytest.mark.parametrize("name", TRACED)
def test_values_are_called_after_the_nodes_of_the_module(name: str) -> None:
    """Each value that stands for a node has its path and name; a number where it comes again."""
    seen: list[tuple[str, Value]] = []
    file = folder() / f"{name}.tm"
    lifted = frontends.read(
        file, shapes={}, outputs=(), watch=lambda key, value: seen.append((key, value))
    )
    own = dict(nodes(records(file).graph, ""))
    first: dict[Value, str] = {}
    for key, value in seen:
        if value.producer is not None and value not in first:
            first[value] = own[key]
    calls: dict[str, int] = {}
    for value, wanted in first.items():
        assert value.name == wanted or (wanted in calls and re.fullmatch(r".*_\d+", value.name)), (
            value.name,
            wanted,
        )
        calls[wanted] = calls.get(wanted, 0) + 1
    steps = [v.name for n in lifted for v in n.outputs if v not in first]
    assert not {*steps} & {*own.values()}


def nodes(record: Record, path: str) -> Iterator[tuple[str, str]]:
    """Yield the keys of the nodes that rules compute, and their names below the model."""
    for expression in record.expressions:
        if isinstance(expression, CallModule) and expression.graph is not None:
            yield from nodes(expression.graph, expression.module.path)
        elif not isinstance(expression, (GetAttr, Constant)):
            for node in expression.outputs:
                yield f"{node.id}:{node.name}", f"{path}.{node.name}" if path else node.name


@pytest.mark.parametrize("name", TRACED)
def test_layers_in_place_keep_their_names(name: str) -> None:
    apart, placed = converted(name, "tm"), converted(name, "tm", Options(in_place=True))
    overwriting = [layer for layer in placed.text.layer if {*layer.top} & {*layer.bottom}]
    assert [layer.name for layer in placed.text.layer] == [x.name for x in apart.text.layer]
    assert [layer.type for layer in placed.text.layer] == [x.type for x in apart.text.layer]
    assert not {layer.name for layer in overwriting} & {*placed.blobs}
    assert placed.unread == apart.unread
    assert len(placed.blobs) == len(apart.blobs) - len(overwriting)
    for output in apart.outputs:
        np.testing.assert_array_equal(placed.blobs[output], apart.blobs[output])


def test_other_processes_write_the_same_bytes() -> None:
    first, second = (
        run_child("tests.caffe_backend.digests", *TRACED, hash_seed=seed) for seed in ("1", "2")
    )
    assert len(first.splitlines()) == 2 * len(TRACED)
    assert first == second

"""From collected layers to a finished net: nothing dead, outputs last, unique names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mgeconvert.backends.base import Names
from mgeconvert.backends.caffe.apart import keep_apart
from mgeconvert.backends.caffe.emitter import Blob, Emitter, Layer
from mgeconvert.backends.caffe.pieces import copy
from mgeconvert.errors import Location, UnsupportedCase

IN_PLACE = frozenset(
    (
        "AbsVal",
        "BNLL",
        "BatchNorm",
        "ELU",
        "Exp",
        "Log",
        "PReLU",
        "Power",
        "ReLU",
        "Scale",
        "Sigmoid",
        "TanH",
    )
)


@dataclass(frozen=True)
class Net:
    """Layers in the order of the file, and what their blobs are called.

    `own` are the names that blobs would have if no layer overwrote what it reads: layers are called
    after them.
    """

    layers: Sequence[Layer]
    names: Mapping[Blob, str]
    own: Mapping[Blob, str]


def finish(e: Emitter, *, in_place: bool) -> Net:
    """Return the net whose outputs are those of the graph.

    An output is a top that no layer reads, or Caffe would not count it as one; the layers that
    make outputs stand last, in the source's order.
    """
    outputs = _outputs(e)
    layers = _live(e.layers, [blob for _, blob in outputs])
    last = [blob.layer for _, blob in outputs]
    moved = set(map(id, last))
    layers = [layer for layer in layers if id(layer) not in moved]
    layers += _silence(e, [*layers, *last])
    layers += last
    layers = keep_apart(layers)
    own = _names(e, layers, outputs)
    names = _run_in_place(layers, own, {id(blob) for _, blob in outputs}) if in_place else own
    return Net(layers, names, own)


def _outputs(e: Emitter) -> list[tuple[str, Blob]]:
    """Return the output ports, each with a blob of its own that is the only top of its layer.

    What layers read of an output that is called like its value, is called NAME.read.
    """
    wanted = e.outputs()
    inputs = {port.name for port in e.graph.inputs}
    same = [name for name, _ in wanted if name in inputs]
    if same:
        raise UnsupportedCase(
            f"the output {same[0]!r} has the name of an input: both would be one blob",
            hint="choose other end points",
            at=Location("caffe", "output", same[0]),
        )
    read = {id(b) for layer in _live(e.layers, [b for _, b in wanted]) for b in layer.bottoms}
    found: list[tuple[str, Blob]] = []
    for name, blob in wanted:
        layer = blob.layer
        shared = id(blob) in read or len(layer.tops) > 1 or layer.type == "Input"
        if shared or sum(blob is other for _, other in wanted) > 1:
            if blob.name == name:
                blob.name = f"{name}.read"
            blob, quant = copy(e, blob), blob.quant
            blob.quant = quant
        found.append((name, blob))
    return found


def _live(layers: Sequence[Layer], outputs: Iterable[Blob]) -> list[Layer]:
    """Return the layers that the outputs need, and all inputs."""
    needed = {id(blob.layer) for blob in outputs}
    kept = []
    for layer in reversed(layers):
        if id(layer) in needed or layer.type == "Input":
            kept.append(layer)
            needed.update(id(blob.layer) for blob in layer.bottoms)
    return kept[::-1]


def _silence(e: Emitter, layers: Sequence[Layer]) -> list[Layer]:
    """Return a layer that takes the tops that nobody reads, or Caffe would call them outputs."""
    read = {id(blob) for layer in layers for blob in layer.bottoms}
    idle = [
        top
        for layer in layers
        for top in layer.tops
        if id(top) not in read and (len(layer.tops) > 1 or layer.type == "Input")
    ]
    if not idle or not e.dialect.has("Silence"):
        return []
    return [Layer("Silence", idle, {}, ())]


def _names(e: Emitter, layers: Sequence[Layer], outputs: list[tuple[str, Blob]]) -> dict[Blob, str]:
    """Return unique names: those of the ports, then those of values, then those in between."""
    names: dict[Blob, str] = {blob: name for name, blob in outputs}
    names |= {layer.tops[0]: layer.tops[0].name for layer in layers if layer.type == "Input"}
    taken = Names(names.values())
    tops = [top for layer in layers for top in layer.tops]
    for top in (*filter(e.is_bound, tops), *tops):
        if top not in names:
            names[top] = taken.unique(top.name)
    return names


def _run_in_place(
    layers: Sequence[Layer], own: Mapping[Blob, str], outputs: set[int]
) -> dict[Blob, str]:
    """Return names where a top has that of its bottom if the layer is the bottom's only reader.

    A bottom with parameters of quantization keeps its name, by which these are told.
    """
    names = dict(own)
    readers: dict[int, int] = {}
    for layer in layers:
        for blob in layer.bottoms:
            readers[id(blob)] = readers.get(id(blob), 0) + 1
    for layer in layers:
        if layer.type not in IN_PLACE or len(layer.bottoms) != 1:
            continue
        (bottom,), (top,) = layer.bottoms, layer.tops
        alone = readers[id(bottom)] == 1 and len(bottom.layer.tops) == 1 and bottom.quant is None
        if alone and id(top) not in outputs and bottom.layer.type != "Input":
            names[top] = names[bottom]
    return names

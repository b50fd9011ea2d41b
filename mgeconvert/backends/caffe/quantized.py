"""Quantization parameters of a net: whose they are, and what the file beside it calls them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mgeconvert.backends import quant_params
from mgeconvert.backends.caffe.emitter import Blob, Layer, floats
from mgeconvert.backends.caffe.net import Net
from mgeconvert.errors import QuantError
from mgeconvert.ir import Array, DType, Graph, Node, Quant, TensorType, Value, ops
from mgeconvert.ir.quantize import fake_quantize, problem

WEIGHTS = ("weight", "bias")
STATISTICS = ("mean", "variance", "factor")


def note_weights(node: Node[Any], layers: Sequence[Layer]) -> None:
    """Say how the weights of `layers` are quantized, which the rule of `node` made.

    A weight is known by its numbers: a rule that changes them (folds them into a Power, say) leaves
    nothing that the parameters would hold for. The rules of convolutions, which may put zeros into
    kernels, say it themselves.
    """
    if isinstance(node.op, ops.Conv | ops.ConvTranspose):
        return
    constants = [v for v in node.inputs if v.const is not None and v.quant is not None]
    for layer in layers:
        for index in range(len(layer.weights)):
            for value in constants:
                if layer.quants[index] is None:
                    layer.quants[index] = _held(node, value, layer, index)


def _held(node: Node[Any], value: Value, layer: Layer, index: int) -> Quant | None:
    """Return the parameters of `value` for a weight, None where it has other numbers."""
    quant, known, array = value.quant, floats(value), layer.weights[index]
    assert quant is not None
    if isinstance(node.op, ops.MatMul) and value is node.inputs[1] and known.ndim > 1:
        return _turned(quant, known, array)
    if array.size != known.size or not np.array_equal(array.reshape(-1), known.reshape(-1)):
        return None
    return quant if quant.axis is None else _moved(quant, known, array)


def _turned(quant: Quant, known: Array, array: Array) -> Quant | None:
    """Return the parameters of the transposed matrix."""
    matrix = known.reshape(known.shape[-2:]).T if array.size == known.size else known
    if not np.array_equal(array, matrix):
        return None
    axis = None if quant.axis is None else known.ndim - 1 - quant.axis
    return replace(quant, axis=axis) if axis is None or axis < 2 else None


def _moved(quant: Quant, before: Array, after: Array) -> Quant | None:
    """Return the parameters after a reshape, where the axis survives it."""
    assert quant.axis is not None
    lead = int(np.prod(before.shape[: quant.axis]))
    seen = 1
    for axis, size in enumerate(after.shape):
        if seen == lead and size == before.shape[quant.axis]:
            return replace(quant, axis=axis)
        seen *= size
    return None


@dataclass(frozen=True)
class Place:
    """What parameters can be told of: a blob, or the weight of a layer that has this index."""

    holder: Blob | Layer
    index: int = 0

    @property
    def is_weight(self) -> bool:
        return isinstance(self.holder, Layer)

    @property
    def quant(self) -> Quant | None:
        holder = self.holder
        return holder.quant if isinstance(holder, Blob) else holder.quants[self.index]

    @property
    def type(self) -> TensorType:
        holder = self.holder
        shape = holder.shape if isinstance(holder, Blob) else holder.weights[self.index].shape
        return TensorType(DType.F32, shape)

    def put(self, quant: Quant) -> None:
        if isinstance(self.holder, Blob):
            self.holder.quant = quant
        else:
            self.holder.quants[self.index] = quant


def places(net: Net, layers: Mapping[Layer, str]) -> dict[str, Place]:
    """Return everything that parameters can be told of, by its name, in the net's order.

    A blob has the name of the prototxt. A weight is called after its layer: LAYER.weight and
    LAYER.bias, of a BatchNorm LAYER.mean, LAYER.variance and LAYER.factor. Raises QuantError where
    a blob with parameters has the name of a weight with others.
    """
    found: dict[str, Place] = {}
    for layer in net.layers:
        names = STATISTICS if layer.type == "BatchNorm" else WEIGHTS
        for index in range(len(layer.weights)):
            _add(found, f"{layers[layer]}.{names[index]}", Place(layer, index))
        for top in layer.tops:
            _add(found, net.names[top], Place(top))
    return found


def _add(found: dict[str, Place], name: str, place: Place) -> None:
    before = found.get(name)
    if before is None or before.quant is None:
        found[name] = place
    elif place.quant is not None and before.is_weight != place.is_weight:
        raise QuantError(
            f"a blob and a layer's weight are both called {name!r}", hint="rename the output"
        )


def apply(found: Mapping[str, Place], params: Mapping[str, Any]) -> tuple[str, ...]:
    """Put the parameters that are read from a file; return the names that had the same."""
    quant_params.need_known(params, found)
    unused = []
    for name, entry in params.items():
        quant = quant_params.read(name, entry)
        wrong = problem(found[name].type, quant)
        if wrong:
            raise QuantError(f"{name!r}: {wrong}")
        if found[name].quant == quant:
            unused.append(name)
        found[name].put(quant)
    return tuple(unused)


def known_to(graph: Graph, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of `params` that tells of tensors by their names in the source."""
    names = quant_params.names(graph)
    return {name: entry for name, entry in params.items() if name in names}


def rounded(net: Net) -> tuple[tuple[Array, ...], ...]:
    """Return the weights of each layer, rounded to what their parameters can express."""
    return tuple(
        tuple(
            array if quant is None else fake_quantize(array, quant)
            for array, quant in zip(layer.weights, layer.quants)
        )
        for layer in net.layers
    )


def document(found: Mapping[str, Place]) -> bytes:
    """Return the file of parameters; b"" where there are none."""
    return quant_params.text(
        {
            name: quant_params.entry(place.quant, is_weight=place.is_weight)
            for name, place in found.items()
            if place.quant is not None
        }
    )

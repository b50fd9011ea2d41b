"""What a rule writes to: the layers of one Caffe net, and the blobs between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from mgeconvert.backends.caffe.dialects import Dialect
from mgeconvert.backends.caffe.held import HELD, LARGEST
from mgeconvert.errors import InternalError, UnsupportedCase
from mgeconvert.ir import Array, Graph, Node, Quant, Value

Sizes = tuple[int, ...]


class Blob:
    """A tensor between layers, compared by identity; rank 0 is spelled (1,).

    `name` is what it is called after so far; the net's names are made unique at the end. `quant`
    says how its numbers are quantized.
    """

    __slots__ = ("layer", "name", "quant", "shape")

    def __init__(self, layer: Layer, shape: Sizes, name: str) -> None:
        self.layer, self.shape, self.name = layer, shape, name
        self.quant: Quant | None = None

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)


class Layer:
    """One layer: what it reads, what it makes, its parameters, its weights and their `quants`."""

    __slots__ = ("bottoms", "parameters", "quants", "tops", "type", "weights")

    def __init__(
        self,
        type_: str,
        bottoms: Sequence[Blob],
        parameters: Mapping[str, Any],
        weights: Sequence[Array],
    ) -> None:
        self.type, self.bottoms, self.parameters = type_, list(bottoms), parameters
        self.weights, self.tops = tuple(weights), list[Blob]()
        self.quants: list[Quant | None] = [None for _ in weights]


class Emitter:
    """Collects layers; a rule returns the blobs that stand for the outputs of the IR's node."""

    def __init__(self, graph: Graph, dialect: Dialect) -> None:
        self.graph, self.dialect = graph, dialect
        self.layers: list[Layer] = []
        self._blobs: dict[Value, Blob] = {}
        self._bound: dict[Blob, Value] = {}  # whose name each blob has
        self._shared: dict[Hashable, Any] = {}
        self._base = "net"
        for port in graph.inputs:
            shape = sizes(port.value)
            self._base = port.name
            top = self.layer("Input", [], shape, hint=port.name, shape=[{"dim": shape}])
            top.quant = port.value.quant
            self._blobs[port.value], self._bound[top] = top, port.value

    def layer(
        self,
        type_: str,
        bottoms: Sequence[Blob],
        shape: Sequence[int],
        /,
        *,
        weights: Sequence[Array] = (),
        hint: str = "",
        **parameters: Any,
    ) -> Blob:
        """Append a layer with one top of `shape`; parameters that are None are left out."""
        (top,) = self.layer_multi(type_, bottoms, [shape], weights=weights, hint=hint, **parameters)
        return top

    def layer_multi(
        self,
        type_: str,
        bottoms: Sequence[Blob],
        shapes: Iterable[Sequence[int]],
        /,
        *,
        weights: Sequence[Array] = (),
        hint: str = "",
        **parameters: Any,
    ) -> list[Blob]:
        """Append a layer with a top for each of `shapes`."""
        self.dialect.need(type_)
        given = {k: v for k, v in parameters.items() if v is not None}
        layer = Layer(type_, bottoms, given, weights)
        base = hint or f"{self._base}.{type_.lower()}"
        layer.tops = [Blob(layer, tuple(shape), base) for shape in shapes]
        self.layers.append(layer)
        return layer.tops

    def blob(self, value: Value) -> Blob:
        """Return the blob of `value`; a constant is made by layers."""
        if value not in self._blobs:
            if value.const is None:
                raise InternalError(f"{value} has no blob yet")
            with self._called(value.name):
                self._give(value, self.constant(floats(value)))
        return self._blobs[value]

    def is_known(self, value: Value) -> bool:
        """Whether there is a blob or an array of `value`."""
        return value.const is not None or value in self._blobs

    def constant(self, array: Array) -> Blob:
        """Return a blob that always holds `array`: Caffe has weights, but no constants."""
        from mgeconvert.backends.caffe.pieces import reshape

        flat = array.reshape(-1, 1)
        made = self.layer(
            "InnerProduct",
            [self.one()],
            (1, flat.size),
            weights=[flat],
            num_output=flat.size,
            bias_term=False,
        )
        return reshape(self, made, array.shape or (1,))

    def one(self) -> Blob:
        """Return a blob (1, 1) that holds 1, made of the first input."""
        return self.shared("one", self._one)

    def _one(self) -> Blob:
        from mgeconvert.backends.caffe.pieces import power, reshape

        if not self.graph.inputs:
            raise UnsupportedCase("a net without inputs", hint="Caffe has no constants")
        port = self.graph.inputs[0]
        x = self._blobs[port.value]
        with self._called(port.name):
            ones = power(self, x, scale=0.0, exponent=0.0)  # 1 also of infinity and NaN
            column = reshape(self, ones, (1, 1, x.size, 1))
            top = self.layer("Pooling", [column], (1, 1, 1, 1), pool=0, kernel_h=x.size, kernel_w=1)
            return reshape(self, top, (1, 1))

    def shared(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return what was made for `key` before, or what `make` makes now."""
        if key not in self._shared:
            self._shared[key] = make()
        return self._shared[key]

    def is_bound(self, blob: Blob) -> bool:
        """Whether a value's result is this blob, and not only a step towards one."""
        return blob in self._bound

    def begin(self, node: Node[Any]) -> int:
        """Begin with the rule of `node`; return the index of the next layer."""
        self._base = node.outputs[0].name
        return len(self.layers)

    def bind(self, node: Node[Any], results: Sequence[Blob]) -> None:
        """Make `results` the outputs of `node`; those that no value has yet take the names."""
        for value, result in zip(node.outputs, results, strict=True):
            if result.shape != sizes(value):
                raise InternalError(f"{node}: the layers make {result.shape}")
            if result not in self._bound:
                self._give(value, result)
            elif value.quant not in (None, result.quant):
                self._give(value, self._copy(result))  # it has other parameters there
            else:
                self._blobs[value] = result

    def _give(self, value: Value, blob: Blob) -> None:
        """Make `blob` that of `value`, with its name and parameters."""
        self._blobs[value], self._bound[blob] = blob, value
        blob.name, blob.quant = value.name, value.quant

    @contextmanager
    def _called(self, base: str) -> Iterator[None]:
        """Call the layers that are made meanwhile after `base`."""
        before, self._base = self._base, base
        try:
            yield
        finally:
            self._base = before

    def _copy(self, blob: Blob) -> Blob:
        from mgeconvert.backends.caffe.pieces import copy

        return copy(self, blob)

    def tops(self) -> dict[str, Layer]:
        """Return the layers whose first top is a computed value, by the value's name."""
        return {
            value.name: blob.layer
            for value, blob in self._blobs.items()
            if value.producer is not None and blob is blob.layer.tops[0]
        }

    def outputs(self) -> list[tuple[str, Blob]]:
        """Return the net's outputs: port names and blobs, in the source's order."""
        return [(port.name, self.blob(port.value)) for port in self.graph.outputs]


def sizes(value: Value) -> Sizes:
    """Return the shape of the blob of `value`; raise UnsupportedCase where a size is open."""
    shape = value.type.static
    if shape is None:
        raise UnsupportedCase(
            f"{value.name} has the shape [{', '.join(map(str, value.type.shape))}]: Caffe's nets "
            "have fixed sizes",
            hint="give the input a fixed shape",
        )
    if 0 in shape:
        raise UnsupportedCase(f"{value.name} is empty, which no blob can be")
    return shape or (1,)


def floats(value: Value) -> Array:
    """Return a constant as float32; it is a view where it is float32 already."""
    assert value.const is not None
    array = value.const.astype(np.float32, copy=False)
    if value.type.dtype in HELD and array.size and float(np.abs(array).max()) > LARGEST:
        raise UnsupportedCase(
            f"{value.name} has whole numbers beyond 2 ** 24, which blobs of float32 do not hold"
        )
    return array

"""Writing the chosen forms back into the graph; depends on the IR only."""

from __future__ import annotations

from typing import Any

import numpy as np

from mgeconvert.errors import Location
from mgeconvert.ir.graph import Graph, Node, Value
from mgeconvert.ir.ops import Reshape, Transpose
from mgeconvert.ir.passes.cleanup import drop_dead
from mgeconvert.ir.passes.layout.network import Form, Network, reshaped
from mgeconvert.ir.passes.layout.perms import (
    Perm,
    compose,
    identity,
    inverse,
    is_identity,
    order,
    permuted,
)
from mgeconvert.ir.passes.layout.quant import permuted_quant, viewed_quant


def rebuild(graph: Graph, network: Network) -> bool:
    """Give every node its form, with as few transpositions as these need; False if all is so."""
    if _settled(graph, network):
        return False
    made = _Rebuild(graph, network)
    for port in graph.inputs:
        made.have[port.value] = {identity(port.value.type.rank): port.value}
    for node in graph:
        if node in network.ends:
            made.node(node)
        else:
            made.transposition(node)
    made.outputs()
    drop_dead.run(graph)
    return True


def _settled(graph: Graph, network: Network) -> bool:
    """Return whether nothing moves and every transposition is needed as it is."""
    if any(form.move is not None for form in network.forms.values()):
        return False
    seen: set[tuple[Value, Perm]] = set()
    for node in graph:
        if node in network.ends:
            continue
        x, perm = node.inputs[0], node.op.perm
        moves = order(perm, x.type.shape) != order(identity(len(perm)), x.type.shape)
        if x in network.sources or x.const is not None or not moves:
            return False
        if (x, perm) in seen or not node.output.is_used:
            return False
        seen.add((x, perm))
    return True


class _Rebuild:
    """What exists so far: for each tensor the layouts it can be had in, the first as it is made."""

    def __init__(self, graph: Graph, network: Network) -> None:
        self.graph, self.network = graph, network
        self.have: dict[Value, dict[Perm, Value]] = {}
        self.wanted = {
            tensor.value: {layout for layout, count in tensor.layouts.items() if count}
            for tensor in network.tensors.values()
        }

    def node(self, node: Node[Any]) -> None:
        """Give a node its form, and operands in the layouts that this needs."""
        form = self.network.forms.get(node)
        inputs = [self._operand(node, port, form) for port in range(len(node.inputs))]
        if form is None or form.move is None:
            if any(a is not b for a, b in zip(inputs, node.inputs)):
                self.graph.set_inputs(node, inputs)
            self.have.update((v, {identity(v.type.rank): v}) for v in node.outputs)
            return
        op = self.network.rules[node].op(node, form.move)
        names = [v.name for v in node.outputs]
        values = self.graph.add_multi(op, *inputs, names=names, at=node.origin, before=node)
        for old, new, perm in zip(node.outputs, values, form.perms[len(inputs) :], strict=True):
            new.quant = permuted_quant(old.quant, perm)
            self.have[old] = {perm: new}
            if identity(len(perm)) not in self.wanted[old]:
                self.graph.take_name(new, old)

    def transposition(self, node: Node[Any]) -> None:
        """Keep or renew a transposition that somebody needs; give away the name of others."""
        source, layout = self.network.source(node.output)
        if source.const is not None:
            return
        have = self.have[source]
        own, value = next(iter(have.items()))
        if layout in have or layout not in self.wanted[source]:
            self.graph.take_name(have.get(layout, value), node.output)
            return
        same = {order(known, source.type.shape) for known in have}
        fresh = order(layout, source.type.shape) not in same
        if fresh and node.inputs[0] is value and compose(own, node.op.perm) == layout:
            have[layout] = node.output
            return
        new = self._layout(source, layout, name=node.output.name, at=node.origin, before=node)
        self.graph.take_name(new, node.output)

    def outputs(self) -> None:
        """Give the ports their values."""
        for port in self.graph.outputs:
            source, layout = self.network.source(port.value)
            if source.const is not None:
                new = self._constant(source, layout)
            else:
                maker = source.producer
                at = maker.origin if maker else Location("graph", name=port.name)
                new = self._layout(source, layout, name=port.value.name, at=at, before=None)
            if new is not port.value:
                self.graph.replace(port.value, new)
                self.graph.take_name(new, port.value)

    def _operand(self, node: Node[Any], port: int, form: Form | None) -> Value:
        source, layout = self.network.source(node.inputs[port])
        shape = None
        if form is not None and form.move is not None:
            layout = compose(layout, form.perms[port])
            shape = self.network.rules[node].shape(node, port, form.move)
        if source.const is not None:
            return self._constant(source, layout, shape)
        made = next(iter(self.have[source].values()))
        name = source.name if is_identity(layout) else made.name
        value = self._layout(source, layout, name=name, at=node.origin, before=node)
        if shape is not None:
            value = self._reshaped(value, shape, name=name, at=node.origin, before=node)
        return value

    def _layout(
        self, source: Value, layout: Perm, *, name: str, at: Location, before: Node[Any] | None
    ) -> Value:
        """Return a tensor in a layout, made from what there is of it."""
        have = self.have[source]
        if layout in have:
            return have[layout]
        own, value = next(iter(have.items()))
        shape = source.type.shape
        equal = [v for known, v in have.items() if order(known, shape) == order(layout, shape)]
        if equal:
            new = self._reshaped(equal[0], permuted(shape, layout), name=name, at=at, before=before)
        else:
            perm = compose(inverse(own), layout)
            new = self.graph.add(Transpose(perm=perm), value, name=name, at=at, before=before)
        new.quant = permuted_quant(source.quant, layout)
        if is_identity(layout):
            self.graph.take_name(new, source)
        have[layout] = new
        return new

    def _reshaped(
        self,
        value: Value,
        shape: Any,
        *,
        name: str,
        at: Location,
        before: Node[Any] | None,
    ) -> Value:
        """Return `value` in another shape, past other changes of shape before it."""
        quant, own = value.quant, value.type.shape
        while reshaped(value):
            assert value.producer is not None
            value = value.producer.inputs[0]
        if value.type.shape == shape:
            return value
        new = self.graph.add(Reshape(shape=shape), value, name=name, at=at, before=before)
        new.quant = viewed_quant(quant, own, shape)
        return new

    def _constant(self, source: Value, layout: Perm, shape: Any = None) -> Value:
        """Return a constant in another layout, and in another shape."""
        key = (*layout, -1, *shape) if shape is not None else layout
        have = self.have.setdefault(source, {identity(source.type.rank): source})
        if key not in have:
            assert source.const is not None
            array = np.ascontiguousarray(source.const.transpose(layout))
            new = self.graph.constant(source.name, array if shape is None else array.reshape(shape))
            quant = permuted_quant(source.quant, layout)
            new.quant = viewed_quant(quant, permuted(source.type.shape, layout), new.type.shape)
            self.graph.take_name(new, source)
            have[key] = new
        return have[key]

"""A graph without its transpositions: tensors, who makes and who reads them in which layout.

A layout is the permutation that leads to it from the tensor's own one, in which it is made at
first. Depends on the IR only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mgeconvert.ir.graph import Graph, Node, Value
from mgeconvert.ir.ops import Reshape, Squeeze, Transpose, Unsqueeze
from mgeconvert.ir.passes.layout.groups import estimated
from mgeconvert.ir.passes.layout.moves import Move, Perms, Rule, ports
from mgeconvert.ir.passes.layout.perms import Perm, compose, identity, inverse, order
from mgeconvert.ir.passes.layout.quant import permuted_quant
from mgeconvert.ir.passes.layout.table import rule_of

RESHAPES = (Reshape, Squeeze, Unsqueeze)


@dataclass(frozen=True)
class Form:
    """What a node does: its move, None for none, and the permutation of each port."""

    move: Move | None
    perms: Perms


@dataclass(frozen=True)
class End:
    """A port of a node that makes or reads a tensor; `view` is its layout without any move."""

    node: Node[Any]
    port: int
    view: Perm


@dataclass(eq=False)
class Tensor:
    """A value that no transposition makes, with all the layouts of it that are asked for."""

    value: Value
    maker: End | None
    weight: int = 0
    small: int = 0
    readers: list[End] = field(default_factory=list)  # those that can move
    layouts: Counter[Perm] = field(default_factory=Counter)  # that are read, by whomsoever

    def order(self, layout: Perm) -> Perm:
        """Return what is equal for layouts that have the same data."""
        return order(layout, self.value.type.shape)


Taken = Mapping[Node[Any], Form]

NOBODY: Taken = {}


def collapsed(node: Node[Any]) -> bool:
    """Return whether the node is a transposition that changes nothing but the layout."""
    if not isinstance(node.op, Transpose):
        return False
    (x,) = node.inputs
    return permuted_quant(x.quant, node.op.perm) == node.output.quant


def reshaped(value: Value) -> bool:
    """Return whether `value` is another value in another shape, and rounded alike."""
    node = value.producer
    if node is None or not isinstance(node.op, RESHAPES):
        return False
    quant = node.inputs[0].quant
    return quant == value.quant and (quant is None or quant.axis is None)


class Network:
    """The tensors of a graph, the nodes that can move, and what each of these does now."""

    def __init__(self, graph: Graph) -> None:
        self.rules: dict[Node[Any], Rule] = {}
        self.forms: dict[Node[Any], Form] = {}
        self.ends: dict[Node[Any], tuple[tuple[Tensor, End] | None, ...]] = {}
        self.tensors: dict[Value, Tensor] = {}
        self.sources: dict[Value, tuple[Value, Perm]] = {}
        self._forms: dict[tuple[Node[Any], Move], Form] = {}
        levels = self._read(graph)
        self._weigh(levels)

    def source(self, value: Value) -> tuple[Value, Perm]:
        """Return the value that no transposition makes, and what leads from it to `value`."""
        return self.sources.get(value) or (value, identity(value.type.rank))

    def layout(self, end: End, form: Form | None = None) -> Perm:
        """Return the layout in which a node makes or reads the tensor at one of its ports."""
        form = form or self.forms.get(end.node)
        return end.view if form is None else compose(end.view, form.perms[end.port])

    def form(self, node: Node[Any], move: Move) -> Form:
        """Return what `node` does with `move`."""
        key = node, move
        if key not in self._forms:
            perms = self.rules[node].perms(node, move)
            still = all(p == identity(len(p)) for p in perms)
            self._forms[key] = Form(None if still else move, perms)
        return self._forms[key]

    def form_for(self, end: End, layout: Perm) -> Form | None:
        """Return the form in which the node makes or reads `layout` there, if it has one."""
        rule = self.rules.get(end.node)
        if rule is None:
            return None
        perm = compose(inverse(end.view), layout)
        move = rule.move(end.node, end.port, perm)
        if move is None:
            return None
        form = self.form(end.node, move)
        return form if form.perms[end.port] == perm else None

    def cost(self, tensor: Tensor, taken: Taken = NOBODY, ends: Sequence[End] = ()) -> int:
        """Return what the changes of layout of `tensor` cost.

        With `taken` the nodes in it have other forms; `ends` are their ports at this tensor.
        """
        layouts = tensor.layouts
        if ends:
            layouts = layouts.copy()
            for end in ends:
                if end is not tensor.maker:
                    layouts[self.layout(end)] -= 1
                    layouts[self.layout(end, taken.get(end.node))] += 1
        made = self.made(tensor, taken)
        read = [layout for layout, count in layouts.items() if count and layout != made]
        orders = {tensor.order(layout) for layout in read} - {tensor.order(made)}
        return len(orders) * tensor.weight + len(read) * tensor.small

    def made(self, tensor: Tensor, taken: Taken = NOBODY) -> Perm:
        """Return the layout in which `tensor` is made."""
        if tensor.maker is None:
            return identity(tensor.value.type.rank)
        return self.layout(tensor.maker, taken.get(tensor.maker.node))

    def take(self, taken: Taken) -> None:
        """Give nodes other forms."""
        for node, form in taken.items():
            for place in self.ends[node]:
                if place is not None and place[1] is not place[0].maker:
                    tensor, end = place
                    tensor.layouts[self.layout(end)] -= 1
                    tensor.layouts[self.layout(end, form)] += 1
            self.forms[node] = form

    def _read(self, graph: Graph) -> dict[Value, int]:
        levels: dict[Value, int] = {}
        for node in graph:
            level = max((levels.get(v, 0) for v in node.inputs), default=0)
            level += not isinstance(node.op, (Transpose, *RESHAPES))
            levels.update((v, level) for v in node.outputs)
            if collapsed(node):
                source, before = self.source(node.inputs[0])
                self.sources[node.output] = source, compose(before, node.op.perm)
                continue
            self._add(node)
        for port in graph.outputs:
            source, layout = self.source(port.value)
            if source.const is None:
                self._tensor(source).layouts[layout] += 1
        return levels

    def _add(self, node: Node[Any]) -> None:
        rule = rule_of(node)
        if rule is not None:
            self.rules[node] = rule
            self.forms[node] = Form(None, tuple(identity(v.type.rank) for v in ports(node)))
        ends: list[tuple[Tensor, End] | None] = []
        for port, value in enumerate(ports(node)):
            source, view = self.source(value)
            if source.const is not None:
                ends.append(None)
                continue
            tensor, end = self._tensor(source), End(node, port, view)
            if port >= len(node.inputs):
                tensor.maker = end if rule is not None else None
            else:
                tensor.layouts[view] += 1
                tensor.readers += [end] if rule is not None else []
            ends.append((tensor, end))
        self.ends[node] = tuple(ends)

    def _tensor(self, value: Value) -> Tensor:
        if value not in self.tensors:
            self.tensors[value] = Tensor(value, None)
        return self.tensors[value]

    def _weigh(self, levels: dict[Value, int]) -> None:
        """Count moved elements first, then operators, then how far inside the graph they are.

        That is how early they come, unless right at an input. Changes of layout do not count for
        that, so that no sequence of improvements can lead back to a graph it came from.
        """
        deepest = max(levels.values(), default=0)
        places = sum(t.layouts.total() for t in self.tensors.values())
        unit = (2 * places + 1) * (deepest + 1)
        for value, tensor in self.tensors.items():
            early = 0 if value.producer is None else deepest - levels[value]
            tensor.weight = max(estimated(value.type.size), 1) * unit * (places + 1) + early
            tensor.small = unit + early

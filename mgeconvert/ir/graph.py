"""The graph: values, nodes, ports, and the only operations that change them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from mgeconvert.errors import ConvertError, InternalError, Location
from mgeconvert.ir.op import Array, Op
from mgeconvert.ir.types import DType, Quant, TensorType

OpT = TypeVar("OpT", bound=Op, covariant=True)


class Value:
    """A tensor of the graph, compared by identity.

    `name` is unique in its graph. Constants carry their array in `const`. `producer` is the node
    that computes it, `index` which of that node's outputs it is.
    """

    __slots__ = ("_ports", "_uses", "const", "index", "name", "producer", "quant", "type")

    def __init__(self, name: str, type: TensorType, const: Array | None = None) -> None:
        self.name, self.type, self.const = name, type, const
        self.quant: Quant | None = None
        self.producer: Node[Any] | None = None
        self.index = 0
        self._uses: dict[Node[Any], int] = {}  # in the order of first use, with their number
        self._ports = 0  # how many outputs of the graph it feeds

    def __str__(self) -> str:
        return f"%{self.name}: {self.type}"

    @property
    def users(self) -> tuple[Node[Any], ...]:
        """The nodes that read it, each once, in the order in which they came to use it."""
        return tuple(self._uses)

    @property
    def is_output(self) -> bool:
        return self._ports > 0

    @property
    def is_used(self) -> bool:
        return bool(self._uses) or self._ports > 0


class Node(Generic[OpT]):
    """An operator applied to values.

    `origin` says where in the source it comes from, `via` which passes made it.
    """

    __slots__ = ("_next", "_previous", "inputs", "op", "origin", "outputs", "via")

    def __init__(
        self, op: OpT, inputs: tuple[Value, ...], origin: Location, via: tuple[str, ...]
    ) -> None:
        self.op, self.inputs, self.origin, self.via = op, inputs, origin, via
        self.outputs: tuple[Value, ...] = ()
        self._previous: Node[Any] | None = None
        self._next: Node[Any] | None = None

    def __str__(self) -> str:
        args = ", ".join(f"%{v.name}" for v in self.inputs)
        return f"{', '.join(map(str, self.outputs))} = {self.op}({args})"

    @property
    def output(self) -> Value:
        """The only output."""
        (value,) = self.outputs
        return value


@dataclass(frozen=True)
class Port:
    """A public name of the graph and the value behind it."""

    name: str
    value: Value


class Graph:
    """Nodes in topological order. Change it only through its methods."""

    def __init__(self) -> None:
        self._inputs: list[Port] = []
        self._outputs: list[Port] = []
        self._first: Node[Any] | None = None
        self._last: Node[Any] | None = None
        self._length = 0
        self._names: dict[str, int] = {}
        self.via: tuple[str, ...] = ()  # the passes that are running, noted on new nodes

    @property
    def inputs(self) -> tuple[Port, ...]:
        return tuple(self._inputs)

    @property
    def outputs(self) -> tuple[Port, ...]:
        return tuple(self._outputs)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Node[Any]]:
        """Iterate over a snapshot: the graph may change meanwhile."""
        nodes, node = [], self._first
        while node is not None:
            nodes.append(node)
            node = node._next
        return iter(nodes)

    def input(self, name: str, type: TensorType) -> Value:
        """Add an input port called `name`."""
        value = Value(self.unique(name), type)
        self._inputs.append(Port(name, value))
        return value

    def output(self, name: str, value: Value) -> None:
        """Add an output port called `name`."""
        self._outputs.append(Port(name, value))
        value._ports += 1

    def exchange_input(self, name: str, type: TensorType) -> Value:
        """Put a new value of the type `type` behind the input port `name`, and return it.

        The users of the old value are to be given something else, and the name, by the caller.
        """
        ports = {port.name: place for place, port in enumerate(self._inputs)}
        old = self._inputs[ports[name]].value
        new = Value(self.unique(old.name), type)
        self._inputs[ports[name]] = Port(name, new)
        return new

    def exchange_output(self, name: str, value: Value) -> None:
        """Put `value` behind the output port `name` instead of the value there."""
        ports = {port.name: place for place, port in enumerate(self._outputs)}
        self._outputs[ports[name]].value._ports -= 1
        self._outputs[ports[name]] = Port(name, value)
        value._ports += 1

    def constant(self, name: str, array: Array) -> Value:
        """Return a new constant; the array is not copied and must not change any more."""
        return Value(self.unique(name), TensorType(DType.of(array), array.shape), array)

    def add(
        self, op: Op, *inputs: Value, name: str, at: Location, before: Node[Any] | None = None
    ) -> Value:
        """Add `op`, last or just before a node, and return its only output."""
        (value,) = self.add_multi(op, *inputs, names=(name,), at=at, before=before)
        return value

    def add_multi(
        self,
        op: Op,
        *inputs: Value,
        names: Sequence[str],
        at: Location,
        before: Node[Any] | None = None,
    ) -> tuple[Value, ...]:
        """Add `op` and return its outputs, typed by the operator.

        `names` has one name for each output, or one that all are derived from.
        """
        try:
            types = op.infer([v.type for v in inputs])
        except ConvertError as error:
            error.at = error.at or at
            raise
        if len(names) == 1:
            names = [names[0]] * len(types)
        node = Node(op, tuple(inputs), at, self.via)
        outputs = tuple(Value(self.unique(n), t) for n, t in zip(names, types, strict=True))
        for index, value in enumerate(outputs):
            value.producer, value.index = node, index
        node.outputs = outputs
        _count(node, node.inputs, 1)
        self._link(node, before)
        return outputs

    def replace(self, old: Value, new: Value) -> None:
        """Make all users of `old`, the graph's outputs included, use `new`."""
        if old is new:
            return
        for node in old.users:
            self.set_inputs(node, [new if v is old else v for v in node.inputs])
        if old._ports:
            self._outputs = [Port(p.name, new) if p.value is old else p for p in self._outputs]
            new._ports, old._ports = new._ports + old._ports, 0

    def set_inputs(self, node: Node[Any], inputs: Sequence[Value]) -> None:
        """Give `node` other inputs."""
        _count(node, node.inputs, -1)
        node.inputs = tuple(inputs)
        _count(node, node.inputs, 1)

    def remove(self, node: Node[Any]) -> None:
        """Take out a node whose outputs nobody uses."""
        for value in node.outputs:
            if value.is_used:
                raise InternalError(f"{value} is still used")
        _count(node, node.inputs, -1)
        before, after = node._previous, node._next
        if before is None:
            self._first = after
        else:
            before._next = after
        if after is None:
            self._last = before
        else:
            after._previous = before
        self._length -= 1

    def replace_node(self, node: Node[Any], *values: Value) -> None:
        """Make `values` take the place of the outputs of `node`, and remove it.

        A value that was named after the one it replaces gets that very name.
        """
        for old, new in zip(node.outputs, values, strict=True):
            self.replace(old, new)
            self.take_name(new, old)
        self.remove(node)

    def take_name(self, new: Value, old: Value) -> None:
        """Swap the names of both where `new` was named after `old`, as in w_1 after w."""
        if new.name.rpartition("_")[0] == old.name:
            new.name, old.name = old.name, new.name

    def constants(self) -> tuple[Value, ...]:
        """Return the constants in use, in the order of their first use."""
        found: dict[Value, None] = {}
        for node in self:
            found.update((v, None) for v in node.inputs if v.const is not None)
        found.update((p.value, None) for p in self._outputs if p.value.const is not None)
        return tuple(found)

    def unique(self, name: str) -> str:
        """Return `name`, or `name_1`, `name_2` ... where that is taken, and take it."""
        wanted, i = name, self._names.get(name, 0)
        while name in self._names:
            i += 1
            name = f"{wanted}_{i}"
        self._names[wanted] = i
        self._names.setdefault(name, 0)
        return name

    def _link(self, node: Node[Any], before: Node[Any] | None) -> None:
        previous = self._last if before is None else before._previous
        node._previous, node._next = previous, before
        if previous is None:
            self._first = node
        else:
            previous._next = node
        if before is None:
            self._last = node
        else:
            before._previous = node
        self._length += 1


def _count(node: Node[Any], inputs: Sequence[Value], step: int) -> None:
    """Note that `node` begins (step 1) or ceases (step -1) to use `inputs`."""
    for value in inputs:
        uses = value._uses.get(node, 0) + step
        if uses:
            value._uses[node] = uses
        else:
            del value._uses[node]

"""Memory that LiteRT lets tensors share, and copies where it would overwrite what is still read.

RESHAPE makes no copy: its result is the memory of its operand. ADD and some others write their
result over an operand that nothing else reads. LiteRT asks that of the operand and of the first
tensor in that memory, but not of those between them (`ArenaPlanner::IdentifyInPlaceTensors`): in
`m = a + 1; b = reshape(m) * 2; c = m - b` the product is written over `m`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mgeconvert.backends.tflite.emitter import Emitter, Operator

KEEP = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "BITCAST")
"""Operators whose result is the memory of their first operand."""

OVERWRITE = {
    **dict.fromkeys(("ADD", "SUB", "MUL", "DIV"), (0, 1)),
    "SOFTMAX": (0,),
}
"""Operators that write their result over one of these operands, the first that may be."""

SCALAR = 4
"""Tensors of so few bytes are not overwritten."""


@dataclass
class Memory:
    """What tensors share: the first of them, None where it is not certain, and the last reader."""

    first: int | None
    until: int


def keep_apart(e: Emitter, outputs: Sequence[int]) -> None:
    """Copy operands before the operators that LiteRT would let overwrite what others still read."""
    operators, e.operators = e.operators, []
    state = _State(e, operators, outputs)
    for place, operator in enumerate(operators):
        e.operators.append(state.step(place, operator))


class _State:
    """Walks the operators as LiteRT's planner does."""

    def __init__(self, e: Emitter, operators: Sequence[Operator], outputs: Sequence[int]) -> None:
        self.e = e
        self.reads = Counter(i for op in operators for i in op.inputs)
        self.reads.update(outputs)
        self.last = {i: place for place, op in enumerate(operators) for i in op.inputs}
        self.last.update(dict.fromkeys(outputs, len(operators)))
        self.outputs = {*outputs}
        self.memories: dict[int, Memory] = {}

    def step(self, place: int, operator: Operator) -> Operator:
        """Return the operator with copies of the operands that it must not overwrite."""
        inputs, result = list(operator.inputs), operator.outputs[0]
        if operator.code in KEEP:
            self._keep(inputs[0], result)
        for slot in OVERWRITE.get(operator.code, ()):
            if not self._may_overwrite(inputs[slot], result):
                continue
            memory = self._memory(inputs[slot])
            if memory.until > place:
                inputs[slot] = self.e.copied(inputs[slot])
                memory = Memory(inputs[slot], place)
            known = self._known(result)
            self.memories[result] = Memory(memory.first if known else None, self._until(result))
            if known:
                break
        return replace(operator, inputs=tuple(inputs))

    def _keep(self, index: int, result: int) -> None:
        if index not in self.e.inputs and result not in self.outputs:
            memory = self.memories[result] = self._memory(index)
            memory.until = max(memory.until, self._until(result))

    def _memory(self, index: int) -> Memory:
        return self.memories.setdefault(index, Memory(index, self._until(index)))

    def _until(self, index: int) -> int:
        return self.last.get(index, 0)

    def _known(self, index: int) -> bool:
        return -1 not in self.e.tensors[index].signature

    def _may_overwrite(self, index: int, result: int) -> bool:
        fixed = self.e.tensors[index].data is not None or index in self.e.inputs
        if fixed or result in self.outputs or self.reads[index] > 1:
            return False
        if not (self._known(index) and self._known(result)):
            return True
        first = self._memory(index).first
        size = self._bytes(index)
        return SCALAR < size == self._bytes(result) and (first is None or self.reads[first] <= 1)

    def _bytes(self, index: int) -> int:
        tensor = self.e.tensors[index]
        return math.prod(tensor.signature) * tensor.dtype.numpy.itemsize

"""Copies where LiteRT would overwrite a tensor that is read again.

RESHAPE and BITCAST share their operand's memory; SOFTMAX, ADD, SUB, MUL and DIV write over one
that nobody else reads. Where an operand of RESHAPE was itself made in one of these ways, LiteRT 2.3
forgets that it is read again: what is computed from its reshaped twin overwrites it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mgeconvert.backends.tflite.emitter import Emitter, Operator
from mgeconvert.backends.tflite.schema import options
from mgeconvert.ir import TensorType

SHARING = frozenset({"RESHAPE", "BITCAST"})
WRITING = frozenset({"ADD", "SUB", "MUL", "DIV", "SOFTMAX"})


def protect(emitter: Emitter) -> None:
    """Let RESHAPE read a copy where its operand would be overwritten before it is read again."""
    before = list(emitter.operators)
    uses = _uses(before)
    made = {op.outputs[0]: op.code for op in before}
    emitter.operators.clear()
    for place, op in enumerate(before):
        if op.code in SHARING and _is_lost(op, place, before, uses, made):
            op = replace(op, inputs=(_copied(emitter, op.inputs[0]), *op.inputs[1:]))
        emitter.operators.append(op)


def _uses(operators: Sequence[Operator]) -> dict[int, list[int]]:
    """Return the places of the operators that read each tensor."""
    uses: dict[int, list[int]] = {}
    for place, op in enumerate(operators):
        for index in dict.fromkeys(op.inputs):
            uses.setdefault(index, []).append(place)
    return uses


def _is_lost(
    op: Operator,
    place: int,
    operators: Sequence[Operator],
    uses: dict[int, list[int]],
    made: dict[int, str],
) -> bool:
    """Return whether the operand of a RESHAPE shares memory, and is read after being written over.

    An operator that writes may come anywhere behind a chain of RESHAPEs.
    """
    source = op.inputs[0]
    if made.get(source) not in SHARING | WRITING or uses[source][-1] <= place:
        return False
    readers = [operators[i].code for i in uses.get(op.outputs[0], ())]
    return any(code in SHARING | WRITING for code in readers)


def _copied(emitter: Emitter, index: int) -> int:
    """Emit a copy by an operator that never shares memory: TRANSPOSE, or PACK of no axes."""
    tensor = emitter.tensors[index]
    rank = len(tensor.shape)
    shape = tensor.shape or (1,)
    copy = emitter.temporary(TensorType(tensor.dtype, shape), "copy", tensor.quant)
    if rank:
        perm = emitter.ints(range(rank), "perm")
        emitter.emit("TRANSPOSE", [index, perm], [copy], options("TransposeOptions"))
    else:
        emitter.emit("PACK", [index], [copy], options("PackOptions", valuesCount=1, axis=0))
    return copy

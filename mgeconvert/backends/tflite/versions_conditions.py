"""What an operator says that older versions of it could not: conditions on operands and options."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Operand:
    """A tensor as an operator sees it.

    `dtype` is its type's name in the schema ("FLOAT32", "INT8"), `shape` has -1 where a dimension
    is known at run time only and is empty where it is not told, `scale` is that of a quantized
    tensor (the first one where `per_channel`), None where it is not quantized.
    """

    dtype: str
    rank: int
    constant: bool = False
    per_channel: bool = False
    shape: tuple[int, ...] = ()
    scale: float | None = None


@dataclass(frozen=True)
class Signature:
    """One use of an operator: its operands, None for those left out, and its options."""

    inputs: Sequence[Operand | None]
    outputs: Sequence[Operand | None]
    options: Mapping[str, Any]

    def input(self, index: int) -> Operand | None:
        """Return an input, or None where it is left out."""
        return self.inputs[index] if index < len(self.inputs) else None


Condition = Callable[[Signature], bool]


def takes(index: int, *dtypes: str) -> Condition:
    """The input `index` has one of the types."""

    def holds(use: Signature) -> bool:
        operand = use.input(index)
        return operand is not None and operand.dtype in dtypes

    return holds


def gives(*dtypes: str, index: int = 0) -> Condition:
    """The output `index` has one of the types."""

    def holds(use: Signature) -> bool:
        operand = use.outputs[index] if index < len(use.outputs) else None
        return operand is not None and operand.dtype in dtypes

    return holds


def says(option: str, *, unless: object = 0) -> Condition:
    """The option is set to something else than `unless`, which is what it means when unset."""
    return lambda use: bool(use.options.get(option, unless) != unless)


def both(*conditions: Condition) -> Condition:
    """All of the conditions hold."""
    return lambda use: all(holds(use) for holds in conditions)


def either(*conditions: Condition) -> Condition:
    """At least one of the conditions holds."""
    return lambda use: any(holds(use) for holds in conditions)


def no(condition: Condition) -> Condition:
    """The condition does not hold."""
    return lambda use: not condition(use)


def rank_above(limit: int, *, inputs: Sequence[int] = (0,)) -> Condition:
    """One of the inputs has more than `limit` dimensions."""

    def holds(use: Signature) -> bool:
        operands = [use.input(index) for index in inputs]
        return any(operand is not None and operand.rank > limit for operand in operands)

    return holds


def rank_other_than(rank: int) -> Condition:
    """The first input has another number of dimensions."""

    def holds(use: Signature) -> bool:
        operand = use.input(0)
        return operand is not None and operand.rank != rank

    return holds


def broadcasts_above(limit: int) -> Condition:
    """Two inputs of different shapes meet, one of them with more than `limit` dimensions."""

    def holds(use: Signature) -> bool:
        a, b = use.input(0), use.input(1)
        if a is None or b is None or max(a.rank, b.rank) <= limit:
            return False
        return a.rank != b.rank or a.shape != b.shape

    return holds


def quantized(*indices: int) -> Condition:
    """One of the inputs is a quantized tensor."""
    return lambda use: any(
        operand is not None and operand.scale is not None
        for operand in (use.input(index) for index in indices)
    )


def per_channel(index: int) -> Condition:
    """The input `index` has a scale per channel."""

    def holds(use: Signature) -> bool:
        operand = use.input(index)
        return operand is not None and operand.per_channel

    return holds


def gives_per_channel(use: Signature) -> bool:
    """The first output has a scale per channel."""
    return bool(use.outputs) and use.outputs[0] is not None and use.outputs[0].per_channel


def has(index: int) -> Condition:
    """The optional input `index` is given."""
    return lambda use: use.input(index) is not None


def inputs_number(count: int) -> Condition:
    """There are `count` inputs; one that is left out by -1 counts, too."""
    return lambda use: len(use.inputs) == count


def grouped(use: Signature) -> bool:
    """The input of a 2-D convolution has more channels than each of its filters reads."""
    data, filters = use.input(0), use.input(1)
    if data is None or filters is None or len(data.shape) != 4 or len(filters.shape) != 4:
        return False
    return data.shape[3] > filters.shape[3]


def grows(use: Signature) -> bool:
    """The product of the inputs' scales is at least the output's scale."""
    a, b, y = use.input(0), use.input(1), use.outputs[0] if use.outputs else None
    if a is None or b is None or y is None or not (a.scale and b.scale and y.scale):
        return False
    return a.scale * b.scale / y.scale >= 1

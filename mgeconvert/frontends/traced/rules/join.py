"""Joining and cutting tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mgeconvert.errors import ShapeError, UnsupportedCase
from mgeconvert.frontends.traced.call import Call
from mgeconvert.frontends.traced.rules.promotion import operands
from mgeconvert.frontends.traced.rules.table import RULES
from mgeconvert.ir import Value, ops
from mgeconvert.ir.dims import Dim, divide


@RULES("function:tensor.concat")
def concat(c: Call, inps: Sequence[Any], axis: int = 0, device: Any = None) -> Value:
    values = operands(c, *inps)
    if len(values) == 1:
        return c.emit(ops.Identity(), values[0])
    return c.emit(ops.Concat(axis=c.axis(axis, values[0].type.rank)), *values)


@RULES("function:tensor.stack")
def stack(c: Call, inps: Sequence[Any], axis: int = 0, device: Any = None) -> Value:
    """Scalars become rows of one element: so MegEngine has it."""
    parts = [x if x.type.rank else c.unsqueeze(x, [0]) for x in operands(c, *inps)]
    values = [c.unsqueeze(x, [axis]) for x in parts]
    place = c.axis(axis, values[0].type.rank)
    return c.emit(ops.Concat(axis=place), *values)


@RULES("function:tensor.split")
def split(c: Call, inp: Value, nsplits_or_sections: Any, axis: int = 0) -> tuple[Value, ...]:
    place = c.axis(axis, inp.type.rank)
    size = inp.type.shape[place]
    sizes: Sequence[Dim]
    if isinstance(nsplits_or_sections, (list, tuple)):
        ends = [*c.shape(nsplits_or_sections), size]
        sizes = [end - start for start, end in zip([0, *ends], ends)]
    else:
        sizes = _equal_parts(size, c.numbers(nsplits_or_sections)[0])
    return c.emit_multi(ops.Split(axis=place, sizes=tuple(sizes)), inp)


def _equal_parts(size: Dim, count: int) -> Sequence[Dim]:
    if count < 1:
        raise ShapeError(f"{count} parts")
    if isinstance(size, int):
        base, longer = divmod(size, count)
        return [base + 1] * longer + [base] * (count - longer)
    part = divide(size, count)
    if part is None:
        raise UnsupportedCase(f"{count} parts of an axis of symbolic size {size}")
    return [part] * count

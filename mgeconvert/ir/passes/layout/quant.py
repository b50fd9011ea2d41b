"""Parameters of quantization whose axis moves; depends on the IR only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mgeconvert.ir.dims import Dim
from mgeconvert.ir.passes.layout.perms import Perm
from mgeconvert.ir.types import Quant


def permuted_quant(quant: Quant | None, perm: Perm) -> Quant | None:
    """Return the parameters of a value after `perm`."""
    if quant is None or quant.axis is None:
        return quant
    return replace(quant, axis=perm.index(quant.axis))


def viewed_quant(quant: Quant | None, before: Sequence[Dim], after: Sequence[Dim]) -> Quant | None:
    """Return the parameters of a value whose shape differs by axes of one element."""
    if quant is None or quant.axis is None:
        return quant
    if before[quant.axis] == 1:
        return replace(quant, axis=None)
    place = sum(size != 1 for size in before[: quant.axis])
    return replace(quant, axis=[i for i, size in enumerate(after) if size != 1][place])

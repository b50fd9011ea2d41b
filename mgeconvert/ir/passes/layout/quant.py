"""Parameters of quantization whose axis moves; depends on the IR only."""

from __future__ import annotations

from dataclasses import replace

from mgeconvert.ir.passes.layout.perms import Perm
from mgeconvert.ir.types import Quant


def permuted_quant(quant: Quant | None, perm: Perm) -> Quant | None:
    """Return the parameters of a value after `perm`."""
    if quant is None or quant.axis is None:
        return quant
    return replace(quant, axis=perm.index(quant.axis))

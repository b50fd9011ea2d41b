"""Little networks that, between them, make MegEngine dump every operator that inference can meet.

`CASES` maps a name to a function of tensors and the arrays it is traced with.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.mge.networks import arithmetic, layers, quantized, shaping, vision, whole
from tests.mge.networks.values import Case

CASES: Mapping[str, Case] = {
    **arithmetic.elementwise(),
    **arithmetic.reductions(),
    **shaping.shapes(),
    **shaping.indexing(),
    **layers.products(),
    **layers.layers(),
    **vision.images(),
    **vision.recurrent(),
    **vision.attention(),
    **vision.random(),
    **quantized.types(),
    **whole.networks(),
}

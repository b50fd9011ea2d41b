"""Cases of quantized types, true and fake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import megengine

from tests.mge.networks.values import (
    X2,
    Case,
)


def types() -> Mapping[str, Case]:
    types = megengine.core.tensor.dtype
    return {
        "cast_qint8": Case(lambda x: x.astype(types.qint8(0.1)).astype("float32"), X2),
        "cast_quint8": Case(lambda x: x.astype(types.quint8(0.1, 128)).astype("float32"), X2),
        "cast_qint32": Case(lambda x: x.astype(types.qint32(0.01)).astype("float32"), X2),
        "fake_quant": Case(_fake_quant, X2),
        "tqt": Case(_tqt, X2),
        "lsq": Case(_lsq, X2),
    }


def _fake_quant(x: Any) -> Any:
    from megengine.quantization.utils import QuantMode, create_qparams, fake_quant_tensor

    params = create_qparams(
        QuantMode.ASYMMERTIC,
        "quint8",
        scale=megengine.tensor([0.02]),
        zero_point=megengine.tensor([128.0]),
    )
    return fake_quant_tensor(x, params)


def _tqt(x: Any) -> Any:
    from megengine.quantization.utils import tqt_forward

    return tqt_forward(-128, 127, x, megengine.tensor([1.0]))


def _lsq(x: Any) -> Any:
    from megengine.quantization.utils import lsq_forward

    return lsq_forward(
        -128, 127, x, megengine.tensor([0.02]), megengine.tensor([0.0]), megengine.tensor([1.0])
    )

"""How MegEngine's modules, tensors and element types say that a value is quantized."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mgeconvert.errors import UnsupportedCase
from mgeconvert.frontends.traced.records import Module, QParams, QuantDtype, Tensor
from mgeconvert.ir import Array, DType, Quant
from mgeconvert.ir.quantize import dequantize, round_half_away

STORED: dict[str, tuple[DType, int, int]] = {
    "QuantizedS8": (DType.I8, -128, 127),
    "Quantized8Asymm": (DType.U8, 0, 255),
    "QuantizedS32": (DType.I32, -(2**31), 2**31 - 1),
    "QuantizedS4": (DType.I8, -8, 7),
    "Quantized4Asymm": (DType.U8, 0, 15),
}
"""What holds MegEngine's quantized element types, and their range."""
OBSERVED = ("min_val", "max_val", "dtype", "scale_limit", "mode")


@dataclass(frozen=True)
class Declared:
    """What `tensor.qparams` says: MegEngine quantizes biases by it, and only symmetric ones."""

    quant: Quant
    symmetric: bool

    @property
    def gives_bias(self) -> bool:
        return self.symmetric and self.quant.dtype is DType.I8


@dataclass(frozen=True)
class Role:
    """What a QAT module does to its weight or its result: what it declares, whether it rounds."""

    declared: Declared | None
    rounds: bool

    @property
    def quant(self) -> Quant | None:
        """The parameters that are applied; None where nothing is rounded."""
        return self.declared.quant if self.declared and self.rounds else None


def role(module: Module, name: str) -> Role:
    """Return what the QAT `module` does in the role `name`, "weight" or "act".

    Raise UnsupportedCase where the file does not hold the parameters.
    """
    fake = module.attributes.get(f"{name}_fake_quant")
    observer = module.attributes.get(f"{name}_observer")
    rounds = isinstance(fake, Module) and bool(fake.attributes.get("enabled", True))
    if isinstance(fake, Module) and fake.kind.name in TRAINED:
        return Role(TRAINED[fake.kind.name](fake), rounds)
    declared = _observed(observer, needed=rounds) if isinstance(observer, Module) else None
    if rounds and declared is None:
        raise UnsupportedCase(f"{name}_fake_quant without parameters", hint="calibrate the model")
    return Role(declared, rounds)


def stored(dtype: Any) -> Quant | None:
    """Return how a tensor of the numpy type is quantized, from what MegEngine notes on it."""
    metadata = getattr(dtype, "metadata", None)
    facts = metadata.get("mgb_dtype") if metadata else None
    if not facts or "scale" not in facts:
        return None
    if facts["name"] not in STORED:
        raise UnsupportedCase(f"the element type {facts['name']}")
    holder, low, high = STORED[facts["name"]]
    return Quant(holder, low, high, (_single(facts["scale"]),), (int(facts.get("zero_point", 0)),))


def meaning(data: Array) -> tuple[Array, Quant | None]:
    """Return the numbers that a tensor's data stand for, and how they are quantized."""
    quant = stored(data.dtype)
    if quant is None:
        return data, None
    return dequantize(np.asarray(data, quant.dtype.numpy), quant), quant


def _observed(observer: Module, *, needed: bool) -> Declared | None:
    facts: Mapping[str, Any] = observer.attributes
    if observer.kind.name == "PassiveObserver":
        return _given(facts.get("qparams"))
    if observer.kind.name == "HistogramObserver" or "min_val" not in facts:
        if needed:
            raise UnsupportedCase(
                f"the parameters of a {observer.kind.name}, which MegEngine finds by a search",
                hint="reset_qconfig to one of passive_qconfig before tracing",
            )
        return None
    lacking = [name for name in OBSERVED if name not in facts]
    if lacking:
        raise UnsupportedCase(
            f"a {observer.kind.name} without {', '.join(lacking)}", hint="trace the model again"
        )
    low = np.minimum(np.float32(0), _number(facts["min_val"]))
    high = np.maximum(np.float32(0), _number(facts["max_val"]))
    dtype, least = facts["dtype"], np.float32(facts["scale_limit"])
    if facts["mode"] == "SYMMERTIC":
        most = np.maximum(-low, high)
        scale = np.maximum(most / np.float32((dtype.qmax - dtype.qmin) / 2), least)
        return _declared(dtype, scale, None, symmetric=True)
    scale = np.maximum((high - low) / np.float32(dtype.qmax - dtype.qmin), least)
    zero = np.float32(dtype.qmin) - round_half_away(np.asarray(low / scale))
    return _declared(dtype, scale, zero, symmetric=False)


def _given(qparams: Any) -> Declared | None:
    if not isinstance(qparams, QParams) or qparams.scale is None or qparams.dtype is None:
        return None
    symmetric = qparams.mode == "SYMMERTIC"
    zero = None if symmetric else qparams.zero_point
    return _declared(qparams.dtype, qparams.scale, zero, symmetric=symmetric)


def _tqt(fake: Module) -> Declared:
    """The parameter of TQT is the logarithm of the scale, to base 2."""
    scale = np.exp2(_number(fake.attributes["scale"]))
    return _declared(fake.attributes["dtype"], scale, None, symmetric=True)


def _lsq(fake: Module) -> Declared:
    facts: Mapping[str, Any] = fake.attributes
    scale = np.abs(_number(facts["step_size"])) + _number(facts["eps"])
    symmetric = facts.get("mode") == "SYMMERTIC"
    return _declared(facts["dtype"], scale, _number(facts["zero_point"]), symmetric=symmetric)


TRAINED = {"TQT": _tqt, "LSQ": _lsq}
"""Fake quantization that keeps its own parameters."""


def _declared(dtype: Any, scale: Any, zero: Any, *, symmetric: bool) -> Declared:
    if not isinstance(dtype, QuantDtype):
        raise UnsupportedCase("quantization parameters without an element type")
    zeros = np.zeros(1, np.float32) if zero is None else np.asarray(zero, np.float32).reshape(-1)
    number = int(round_half_away(zeros)[0])
    quant = Quant(DType(dtype.dtype), dtype.qmin, dtype.qmax, (_single(scale),), (number,))
    return Declared(quant, symmetric)


def _single(scale: Any) -> float:
    """Return a scale as the float32 that MegEngine computes with."""
    array = np.asarray(scale, np.float32).reshape(-1)
    if array.size != 1:
        raise UnsupportedCase(f"{array.size} scales for one tensor")
    return float(array[0])


def _number(value: Any) -> Any:
    data = value.data if isinstance(value, Tensor) else value
    return np.asarray(data, np.float32).reshape(-1)[0]

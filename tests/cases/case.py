"""One line per operator case: an expression of MegEngine, and what it is computed on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Data:
    """A random input: normal without bounds, else uniform in [low, high]."""

    shape: tuple[int, ...]
    dtype: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Case:
    """`expression` in terms of the inputs `data` and of `attributes`, texts that make modules or
    tensors. A dynamic case is also computed with 5 in the place of each input's first size.
    """

    expression: str
    data: tuple[tuple[str, Data], ...]
    attributes: tuple[tuple[str, str], ...]
    rtol: float
    atol: float
    dynamic: bool

    @property
    def id(self) -> str:
        made = ", ".join(text for _, text in self.attributes)
        kinds = ", ".join(f"{d.dtype}{list(d.shape)}" for _, d in self.data)
        return " | ".join(part for part in (self.expression, made, kinds) if part)

    @property
    def key(self) -> str:
        """A name for files, from all that decides the results."""
        content = asdict(self)
        del content["rtol"], content["atol"]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:24]


def case(
    expression: str,
    *,
    rtol: float = 1e-5,
    atol: float = 1e-5,
    dynamic: bool = False,
    **operands: Data | str,
) -> Case:
    """Return a case; operands that are texts become attributes of the module."""
    data = tuple((k, v) for k, v in operands.items() if isinstance(v, Data))
    attributes = tuple((k, v) for k, v in operands.items() if isinstance(v, str))
    return Case(expression, data, attributes, rtol, atol, dynamic)


def f32(*shape: int, low: float | None = None, high: float | None = None) -> Data:
    return Data(shape, "float32", low, high)


def f16(*shape: int, low: float | None = None, high: float | None = None) -> Data:
    return Data(shape, "float16", low, high)


def i32(*shape: int, low: float = -5, high: float = 5) -> Data:
    return Data(shape, "int32", low, high)


def i8(*shape: int, low: float = -20, high: float = 20) -> Data:
    return Data(shape, "int8", low, high)


def u8(*shape: int, low: float = 0, high: float = 40) -> Data:
    return Data(shape, "uint8", low, high)


def i16(*shape: int, low: float = -50, high: float = 50) -> Data:
    return Data(shape, "int16", low, high)


def b8(*shape: int) -> Data:
    return Data(shape, "bool", 0, 1)

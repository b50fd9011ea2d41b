"""What the cases are made of: fixed values, and modules filled with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import megengine
import numpy as np

Array = Any


@dataclass(frozen=True)
class Case:
    """A function of tensors, and what it is traced with."""

    function: Callable[..., Any]
    feeds: tuple[Array, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


def values(*shape: int, dtype: str = "float32", low: float = -1.0, high: float = 1.0) -> Array:
    """Return values that depend on the shape only, without randomness."""
    count = int(np.prod(shape))
    ramp = (np.arange(count) * 37 % 101) / 101.0
    return (low + ramp * (high - low)).reshape(shape).astype(dtype)


def const(*shape: int, dtype: str = "float32", low: float = -1.0, high: float = 1.0) -> Any:
    return megengine.tensor(values(*shape, dtype=dtype, low=low, high=high))


def filled(module: Any) -> Any:
    """Give every parameter and buffer of a module fixed values, and set it to eval mode."""
    for _, tensor in [*module.named_parameters(), *module.named_buffers()]:
        low = 0.5 if tensor.ndim else 0.0
        tensor[...] = megengine.tensor(values(*tensor.shape, low=low, high=1.0), tensor.dtype)
    module.eval()
    return module


X4 = (values(2, 4, 6, 6),)
X3 = (values(2, 3, 4),)
X2 = (values(3, 4),)
X1 = (values(5),)
POSITIVE = (values(3, 4, low=0.1, high=0.9),)
PAIR = (values(2, 3, 4), values(3, 1, low=0.5, high=2.0))
INTS = (values(3, 4, dtype="int32", low=-9, high=9), values(3, 4, dtype="int32", low=1, high=5))
BOOLS = (values(3, 4) > 0, values(3, 4) > -0.5)

BOXES = np.array([[0, 0, 0, 4, 4], [1, 1, 1, 5, 5]], "float32")

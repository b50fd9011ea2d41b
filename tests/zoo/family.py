"""What the zoo knows of a model without building it; imports nothing of MegEngine."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from megengine.module import Module


@dataclass(frozen=True)
class Input:
    """One input: its name, its shape, its dtype and the half-open interval of its values."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    range: tuple[float, float] = (-1.0, 1.0)


@dataclass(frozen=True)
class Family:
    """A module class of a file in this folder, with its arguments and its inputs.

    `maker` is "file:Class". Arguments that begin with "@" name a class of the same file.
    `batches` are the batch sizes at which the traced model must work; axis 0 is the batch of
    every input, or axis `batch_axis`.
    """

    maker: str
    inputs: tuple[Input, ...]
    args: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    gain: float = 1.0
    batches: tuple[int, ...] = (1, 5)
    batch_axis: int = 0

    def build(self) -> Module:
        """Return the module in evaluation mode with its parameters set from the seed."""
        file, name = self.maker.split(":")
        source = importlib.import_module(f"tests.zoo.{file}")
        weights = importlib.import_module("tests.zoo.weights")
        args = [
            getattr(source, arg[1:]) if isinstance(arg, str) and arg.startswith("@") else arg
            for arg in self.args
        ]
        module: Module = getattr(source, name)(*args, **self.options)
        weights.fill(module, self.seed, gain=self.gain)
        module.eval()
        return module

"""What a check is asked, as plain data (standard library only)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mgeconvert.check.plain import plain


@dataclass(frozen=True)
class InputRequest:
    """How one input of the model is filled.

    shape: overrides the artifact's; a str names a symbolic dimension
    sample: a .npz with an array of the input's name, or a .npy; else the data is random
    range: bounds of random data, both included; see docs/check.md for what holds without
    """

    name: str
    shape: tuple[int | str, ...] | None = None
    sample: str | None = None
    range: tuple[float, float] | None = None


@dataclass(frozen=True)
class CheckRequest:
    """One artifact, its source, and what counts as equal.

    artifact, source: absolute paths; the caller has vetted the source, MegEngine loads it
    format: of the artifact ("onnx"); source_format: "traced", "mge" or "onnx"
    rtol, atol: an element is outside when |got - want| > atol + rtol * |want|
    outputs: end points, as the conversion was asked for; empty: the source's own outputs
    runs: random data sets per binding of the symbolic dimensions
    bindings: sizes of the symbolic dimensions, one check each; empty: see docs/check.md
    labels: .npy or .npz with the class of each row of the sample; with metric "top1"
    cache: a folder that keeps reference outputs by content, or None
    seconds, memory: limits for the whole check, and for what a model may add in bytes (0: none)
    """

    model: str
    artifact: str
    format: str
    source: str
    source_format: str
    source_sha256: str
    rtol: float
    atol: float
    inputs: tuple[InputRequest, ...] = ()
    outputs: tuple[str, ...] = ()
    seed: int = 0
    runs: int = 1
    bindings: tuple[Mapping[str, int], ...] = ()
    labels: str | None = None
    metric: str | None = None
    cache: str | None = None
    seconds: float = math.inf
    memory: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the request as JSON-able data; `from_dict` is the inverse."""
        return plain(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CheckRequest:
        """Rebuild the request that `as_dict` described."""
        inputs = tuple(
            InputRequest(
                name=entry["name"],
                shape=None if entry["shape"] is None else tuple(entry["shape"]),
                sample=entry["sample"],
                range=None if entry["range"] is None else tuple(entry["range"]),
            )
            for entry in data["inputs"]
        )
        changed = {
            "inputs": inputs,
            "outputs": tuple(data["outputs"]),
            "bindings": tuple(data["bindings"]),
            **{name: float(data[name]) for name in ("rtol", "atol", "seconds")},
        }
        return cls(**{**data, **changed})

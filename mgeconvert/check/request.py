"""What a check is asked, as plain data (standard library only)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
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
class Grid:
    """The numbers (n - zero_point) * scale for whole n from `low` to `high`, both included."""

    scale: float
    zero_point: int
    low: int
    high: int


@dataclass(frozen=True)
class Steps:
    """What one quantization step of a tensor is: one scale, or one for each index of `axis`."""

    scale: tuple[float, ...]
    axis: int | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Steps:
        return cls(tuple(map(float, data["scale"])), data["axis"])


@dataclass(frozen=True)
class CheckRequest:
    """One artifact, its source, and what counts as equal.

    artifact, source: absolute paths; the caller has vetted the source, MegEngine loads it
    format: of the artifact ("onnx"); source_format: "traced", "mge" or "onnx"
    rtol, atol, rtol_max: an element is outside when
        |got - want| > atol + rtol * |want| + rtol_max * max |want|; None for all: not compared
    atol_lsb, lsb_share: of an output with `steps`, at least this share of the elements is within
        `atol_lsb` steps, and none is off by more than twice that
    min_snr, min_top1: the least SNR of each output in dB, and share of rows with equal classes
    rounding: what of the source's quantization is computed: it is "kept", that of "parameters"
        alone is, or "none"
    mixed_snr: stands for all tolerances of elements where the source cannot but keep its rounding
    steps: of the artifact's outputs that are quantized, by name
    grids: what the inputs are rounded to before both sides get them, in order; empty: nothing
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
    rtol: float | None
    atol: float | None
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
    atol_lsb: float | None = None
    lsb_share: float | None = None
    min_snr: float | None = None
    min_top1: float | None = None
    rounding: str = "kept"
    mixed_snr: float | None = None
    steps: Mapping[str, Steps] = field(default_factory=dict)
    grids: tuple[Grid, ...] = ()
    rtol_max: float | None = None

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
            "seconds": float(data["seconds"]),
            "steps": {name: Steps.from_dict(entry) for name, entry in data["steps"].items()},
            "grids": tuple(Grid(**entry) for entry in data["grids"]),
        }
        return cls(**{**data, **changed})

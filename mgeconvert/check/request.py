"""What a check is asked and what it answers, as plain data (standard library only)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any


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


@dataclass(frozen=True)
class Worst:
    """The element that is farthest outside the tolerance, or nearest to leaving it."""

    index: tuple[int, ...]
    got: float
    want: float


@dataclass(frozen=True)
class Comparison:
    """How one output of the artifact (got) differs from the source's (want), over a case's runs.

    Shapes are the first run's. `outside` counts elements, `snr_db` is in dB; maxima, cosine and SNR
    are over the finite pairs. `problems` are sentences; none means that the output is right.
    """

    output: str
    got_dtype: str
    want_dtype: str
    got_shape: tuple[int, ...]
    want_shape: tuple[int, ...]
    size: int
    max_abs: float
    max_rel: float
    cosine: float
    snr_db: float
    outside: int
    outside_share: float
    nonfinite_mismatches: int
    worst: Worst | None
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong with this output."""
        return not self.problems


@dataclass(frozen=True)
class CaseResult:
    """One way of filling the inputs, in one or more runs."""

    name: str
    runs: int
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True)
class Top1:
    """Classes by the largest value: how often both agree, and how often each is right.

    The counts of right answers are None without labels.
    """

    output: str
    rows: int
    agree: int
    source_right: int | None
    artifact_right: int | None


@dataclass(frozen=True)
class CheckResult:
    """The verdict on one artifact, with all the numbers it rests on.

    problems: sentences, empty when `ok`; runtimes: for "artifact" and "source" the runtime's name;
    versions: of their libraries; seconds: wall time by part, not part of what is compared;
    cached: whether every reference came from the cache
    """

    ok: bool
    problems: tuple[str, ...]
    cases: tuple[CaseResult, ...] = ()
    top1: Top1 | None = None
    rtol: float = 0.0
    atol: float = 0.0
    runtimes: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    cached: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-able data; NaN and infinities are the str "nan", "inf" and "-inf"."""
        return plain(self)


def plain(value: Any) -> Any:
    """Return dataclasses, mappings and sequences as dict and list, non-finite floats as str."""
    if is_dataclass(value):
        return {entry.name: plain(getattr(value, entry.name)) for entry in fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value

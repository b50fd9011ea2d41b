"""What a check answers, as plain data (standard library only)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mgeconvert.check.plain import plain


@dataclass(frozen=True)
class Worst:
    """The element that is farthest outside the tolerance, or nearest to leaving it."""

    index: tuple[int, ...]
    got: float
    want: float

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Worst:
        return cls(tuple(data["index"]), float(data["got"]), float(data["want"]))


@dataclass(frozen=True)
class Comparison:
    """How one output of the artifact (got) differs from the source's (want), over a case's runs.

    Shapes are the first run's. `outside` counts elements, `snr_db` is in dB; maxima, cosine and SNR
    are over the finite pairs. `problems` are sentences; none means that the output is right.
    Of a quantized output, `step` is one step (the largest one) and `steps` counts the elements that
    differ by 0, by 1, by 2 and by more of them.
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
    step: float | None = None
    steps: tuple[int, ...] | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong with this output."""
        return not self.problems

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Comparison:
        changed = {
            **{name: float(data[name]) for name in ("max_abs", "max_rel", "cosine", "snr_db")},
            **{name: tuple(data[name]) for name in ("got_shape", "want_shape", "problems")},
            "worst": Worst.from_dict(data["worst"]) if data["worst"] else None,
            "steps": tuple(data["steps"]) if data.get("steps") else None,
        }
        return cls(**{**data, **changed})


@dataclass(frozen=True)
class CaseResult:
    """One way of filling the inputs, in one or more runs."""

    name: str
    runs: int
    comparisons: tuple[Comparison, ...]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CaseResult:
        compared = tuple(map(Comparison.from_dict, data["comparisons"]))
        return cls(data["name"], data["runs"], compared)


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
    cached: whether every reference came from the cache; rounding: what the source computed of its
    quantization, see `CheckRequest`
    """

    ok: bool
    problems: tuple[str, ...]
    cases: tuple[CaseResult, ...] = ()
    top1: Top1 | None = None
    rtol: float | None = None
    atol: float | None = None
    runtimes: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    cached: bool = False
    atol_lsb: float | None = None
    lsb_share: float | None = None
    min_snr: float | None = None
    min_top1: float | None = None
    rounding: str = "kept"
    rtol_max: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-able data; NaN and infinities are the str "nan", "inf" and "-inf"."""
        return plain(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CheckResult:
        """Rebuild the result that `as_dict` described."""
        changed = {
            "problems": tuple(data["problems"]),
            "cases": tuple(map(CaseResult.from_dict, data["cases"])),
            "top1": Top1(**data["top1"]) if data["top1"] else None,
        }
        return cls(**{**data, **changed})

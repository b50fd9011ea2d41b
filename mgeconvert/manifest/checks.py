"""How artifacts are compared with their sources: the keys, and the documented defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mgeconvert.manifest.keys import key
from mgeconvert.manifest.kinds import Flag, Real, Text, Whole

REASON = Text(words="a reason")
ERROR = Text(words="text of an error")

Rounds = Literal["float", "quantized", "mixed"]
"""Which sides of a comparison are rounded: none, both in the same way, or one of them."""


@dataclass(frozen=True, kw_only=True)
class CheckSettings:
    """How an artifact is compared with its source; None stands for what is not asked."""

    rtol: float | None = field(
        default=None,
        metadata=key(
            Real(low=0),
            "Relative tolerance per element; for artifacts that are not quantized.",
            default="the format's",
        ),
    )
    atol: float | None = field(
        default=None,
        metadata=key(
            Real(low=0),
            "Absolute tolerance per element; for artifacts that are not quantized.",
            default="the format's",
        ),
    )
    rtol_max: float | None = field(
        default=None,
        metadata=key(
            Real(low=0),
            "Tolerance per element relative to the largest absolute value of its output; added to "
            "the other two.",
            default="the format's",
        ),
    )
    atol_lsb: float | None = field(
        default=None,
        metadata=key(
            Real(low=0),
            "Of quantized outputs: tolerance per element in quantization steps. No element may be "
            "off by more than twice that.",
        ),
    )
    lsb_share: float | None = field(
        default=None,
        metadata=key(
            Real(low=0, high=1),
            "The least share of elements that are within `atol_lsb`.",
            default="the format's",
        ),
    )
    min_snr: float | None = field(
        default=None,
        metadata=key(
            Real(),
            "The least ratio of signal to difference of each output, in dB.",
            default="the format's",
        ),
    )
    min_top1: float | None = field(
        default=None,
        metadata=key(
            Real(low=0, high=1),
            "The least share of rows for which source and artifact name the same class. Needs "
            "`metric`.",
        ),
    )
    runs: int = field(
        metadata=key(
            Whole(1, 1000),
            "How many sets of random inputs are compared; a sample is compared as a whole.",
            default="the format's",
        )
    )
    enabled: bool = field(
        default=True, metadata=key(Flag(), "With false, the artifact is not compared.")
    )
    reason: str = field(
        default="", metadata=key(REASON, "Needed with `enabled = false`; the report lists it.")
    )


@dataclass(frozen=True, kw_only=True)
class CheckDefaults:
    """A format's tolerances, and why they are what they are."""

    rtol: float | None = None
    atol: float | None = None
    rtol_max: float | None = None
    lsb_share: float | None = None
    min_snr: float | None = None
    runs: int
    why: str


CHECK_DEFAULTS: Mapping[str, CheckDefaults] = {
    "onnx": CheckDefaults(
        rtol=1e-3,
        atol=1e-4,
        runs=2,
        why="float32 on both sides: MegEngine and onnxruntime add in different orders, which a "
        "deep network amplifies to about 1e-5 of its largest activation",
    ),
    "tflite": CheckDefaults(
        rtol=1e-3,
        atol=1e-4,
        runs=2,
        why="float32 on both sides, and LiteRT adds in an order of its own",
    ),
    "caffe": CheckDefaults(
        rtol=0.0,
        atol=0.0,
        rtol_max=1e-4,
        runs=2,
        why="float32 on both sides, and OpenCV adds in an order of its own. A composition of "
        "several layers is as exact as the largest of their numbers, even where its result is "
        "small",
    ),
}

QUANTIZED = CheckDefaults(
    lsb_share=0.999,
    min_snr=30.0,
    runs=2,
    why="whole numbers on both sides: where a number is right between two, MegEngine rounds away "
    "from zero and the runtime perhaps not, and later layers carry that on. Networks of 8 bits "
    "stay above 40 dB, those of 4 bits may need less",
)
MIXED = CheckDefaults(
    lsb_share=0.999,
    min_snr=15.0,
    runs=2,
    why="only one side is rounded: 8 bits cost a network about 20 to 50 dB of its SNR",
)


def check_defaults(
    format: str, *, rounds: Rounds = "float", enabled: bool = True, reason: str = ""
) -> CheckSettings:
    """Return the documented settings of a check of `format`; KeyError if it has none yet."""
    base = {"float": CHECK_DEFAULTS[format], "quantized": QUANTIZED, "mixed": MIXED}[rounds]
    return CheckSettings(
        rtol=base.rtol,
        atol=base.atol,
        rtol_max=base.rtol_max,
        lsb_share=base.lsb_share,
        min_snr=base.min_snr,
        runs=base.runs,
        enabled=enabled,
        reason=reason,
    )

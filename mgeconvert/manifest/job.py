"""One conversion as plain data: what crosses process boundaries and what cache keys are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from mgeconvert.manifest.checks import MIXED, CheckSettings, Rounds
from mgeconvert.manifest.options import (
    ENDINGS,
    WRITTEN,
    NoOptions,
    Options,
    QuantizationKeys,
)
from mgeconvert.manifest.schema import InputSpec, Limits

CALIBRATION = ("method", "percentile", "activation", "per_channel")
"""What says how to calibrate, and nothing without calibration."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One artifact to make; paths are absolute, tuples stand for lists, None for "not said".

    `expect` is "pass" or "fail"; `reason` tells why the job is disabled or expected to fail,
    and `error` what one of the errors contains then, "" for anything. `outputs` are end points,
    empty for the source's own. `labels` names a file of right classes.
    """

    model: str
    target: str
    format: str
    source: str
    sha256: str | None
    license: str
    description: str
    tags: tuple[str, ...]
    outputs: tuple[str, ...]
    inputs: tuple[InputSpec, ...]
    seed: int
    labels: str | None
    metric: str | None
    options: Options
    check: CheckSettings
    limits: Limits
    output: str
    stem: str
    enabled: bool = True
    expect: str = "pass"
    reason: str = ""
    error: str = ""
    quantization: QuantizationKeys = field(default_factory=QuantizationKeys)

    @property
    def name(self) -> str:
        """The job's name in doit, in reports and in messages."""
        return f"{self.model}:{self.target}"

    @property
    def file(self) -> str:
        """The absolute path of the artifact's main file."""
        return f"{self.output}/{self.stem}{ENDINGS.get(self.format, '')}"

    @property
    def quantizes(self) -> bool:
        """Whether the artifact computes in whole numbers."""
        return _quantizes(self.options)

    @property
    def rounding(self) -> str:
        """What the source must keep of its quantization to compute what the artifact does.

        "kept" for all of it, "parameters" for that of weights and biases alone, "none".
        """
        if rounds(self.options, self.quantization) != "float":
            return "kept"
        return "parameters" if self.quantization.param_fake_quant else "none"

    def settings(self) -> dict[str, Any]:
        """Return all that changes the artifact besides the source's bytes and the converter.

        JSON-able, with no path in it, so that it is equal on every machine. The hash that the
        manifest demands is no part: it must be compared before an artifact is looked up.
        """
        shapes = {spec.name: list(spec.shape) for spec in self.inputs if spec.shape is not None}
        return {
            "description": self.description,
            "format": self.format,
            "inputs": shapes,
            "license": self.license,
            "options": asdict(self.options),
            "outputs": list(self.outputs),
            **({"quantization": asked} if (asked := _asked(self.quantization)) else {}),
            "stem": self.stem,
            "tags": list(self.tags),
        }

    def check_settings(self) -> dict[str, Any]:
        """Return all that changes the check besides the artifact, the source and `check_files`."""
        inputs = {
            spec.name: {
                "range": None if spec.range is None else list(spec.range),
                "sample": spec.sample is not None,
            }
            for spec in self.inputs
        }
        check = asdict(self.check)
        del check["reason"]
        return {
            "check": check,
            "grids": self.quantizes and bool(self.quantization.input_data_type),
            "inputs": inputs,
            "metric": self.metric,
            "mixed_snr": MIXED.min_snr,
            "rounding": self.rounding,
            "seed": self.seed,
        }

    def conversion_files(self) -> dict[str, str]:
        """Return the absolute paths that the conversion reads besides the source, by their key."""
        asked = self.quantization
        files = {f"calibration/{i}": path for i, path in enumerate(asked.calibration_files)}
        return files if asked.params is None else {"params": asked.params, **files}

    def check_files(self) -> tuple[str, ...]:
        """Return the absolute paths that the check reads: the samples by input, then the labels."""
        samples = [spec.sample for spec in self.inputs]
        return tuple(path for path in (*samples, self.labels) if path is not None)

    def as_dict(self) -> dict[str, Any]:
        """Return the job as JSON-able data; `from_dict` is the inverse."""
        data: dict[str, Any] = _plain(asdict(self))
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Job:
        """Rebuild the job that `as_dict` described; KeyError or TypeError if it did not."""
        values = {item.name: data[item.name] for item in fields(cls)}
        options = WRITTEN.get(data["format"], NoOptions) if data["options"] else NoOptions
        values |= {
            "tags": tuple(data["tags"]),
            "outputs": tuple(data["outputs"]),
            "inputs": tuple(_input(item) for item in data["inputs"]),
            "options": options(**data["options"]),
            "check": CheckSettings(**data["check"]),
            "limits": Limits(**data["limits"]),
            "quantization": _quantization(data["quantization"]),
        }
        return cls(**values)


def rounds(options: Options, keys: QuantizationKeys) -> Rounds:
    """Return which sides are rounded where an artifact is compared with its source."""
    if _has_parameters(keys) and (_quantizes(options) or keys.param_fake_quant):
        return "mixed"
    return "quantized" if _quantizes(options) else "float"


def _has_parameters(keys: QuantizationKeys) -> bool:
    """Return whether the model gets parameters that the source does not know."""
    return keys.params is not None or bool(keys.calibration_files)


def _quantizes(options: Options) -> bool:
    return bool(getattr(options, "quantize", False))


def _asked(keys: QuantizationKeys) -> dict[str, Any]:
    """Return what the model says of quantization, without paths; empty where it says nothing."""
    said = {name: _plain(value) for name, value in asdict(keys).items() if value}
    for path in ("params", "calibration", "calibration_files"):
        said.pop(path, None)
    if not keys.calibration_files:
        for name in CALIBRATION:
            said.pop(name, None)
    return said


def _quantization(data: Mapping[str, Any]) -> QuantizationKeys:
    listed = ("input_scales", "input_zero_points", "calibration_files")
    values: dict[str, Any] = {k: tuple(v) if k in listed else v for k, v in data.items()}
    return QuantizationKeys(**values)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


def _input(data: Mapping[str, Any]) -> InputSpec:
    shape, bounds = data["shape"], data["range"]
    return InputSpec(
        name=data["name"],
        shape=None if shape is None else tuple(shape),
        sample=data["sample"],
        range=None if bounds is None else (bounds[0], bounds[1]),
    )

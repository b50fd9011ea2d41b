"""Reading and judging the arguments that several functions share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from mgeconvert.errors import ConversionFailed, ManifestError
from mgeconvert.manifest import Options
from mgeconvert.manifest.keys import Table, Tables, keys
from mgeconvert.manifest.options import INPUT_TYPES, QuantizationKeys


def as_file(source: str | os.PathLike[str] | BinaryIO, folder: Path) -> Path:
    """Return the path of the source, which is written to `folder` where it is a file object."""
    if isinstance(source, str | os.PathLike):
        return Path(source)
    path = folder / "model.mge"
    with path.open("wb") as file:
        shutil.copyfileobj(source, file)
    return path


def several(numbers: Any) -> tuple[Any, ...]:
    """Return one number, several, or None for none as a tuple."""
    if numbers is None:
        return ()
    return tuple(numbers) if isinstance(numbers, Sequence) else (numbers,)


def end_points(outspec: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of end points: several, one, or none for None."""
    if outspec is None:
        return ()
    return (outspec,) if isinstance(outspec, str) else tuple(outspec)


def rounding(
    kind: str | None, scales: Any, zero_points: Any, *, param_fake_quant: bool
) -> QuantizationKeys:
    """Return the quantization settings; raise ConversionFailed for what a manifest may not say.

    kind, scales, zero_points: the arguments input_data_type, input_scales and input_zero_points
    """
    asked = QuantizationKeys(
        input_data_type=kind,
        input_scales=several(scales),
        input_zero_points=several(zero_points),
        param_fake_quant=param_fake_quant,
    )
    _judge_rounding(asked)
    return asked


def _judge_rounding(asked: QuantizationKeys) -> None:
    kind, scales, zeros = asked.input_data_type, asked.input_scales, asked.input_zero_points
    problems = []
    if kind is not None and kind not in INPUT_TYPES:
        expected = ", ".join(INPUT_TYPES)
        problems.append(f"input_data_type must be one of {expected}, found {kind!r}")
    if (kind is None) != (not scales):
        problems.append("input_data_type and input_scales need each other")
    if zeros and len(zeros) != len(scales):
        problems.append(f"{len(zeros)} input_zero_points for {len(scales)} input_scales")
    if problems:
        raise ConversionFailed([ManifestError(problem) for problem in problems])


def judge(options: Options) -> None:
    """Raise ConversionFailed for values that the manifest would refuse as well."""
    problems = [
        ManifestError(f"{key.name} must be {key.kind.expected}, found {value!r}")
        for key in keys(type(options))
        if not isinstance(key.kind, Table | Tables)
        and not key.kind.accepts(value := getattr(options, key.name))
    ]
    if problems:
        raise ConversionFailed(problems)


def saved(traced_module: Any, folder: Path) -> Path:
    """Return the path of the module's file, which MegEngine writes where it is an object."""
    if isinstance(traced_module, str | os.PathLike):
        return Path(traced_module)
    import megengine

    path = folder / "module.tm"
    megengine.save(traced_module, str(path))
    return path

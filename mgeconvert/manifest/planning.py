"""From a manifest to its jobs, or from code to a single one."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from mgeconvert.errors import ConversionFailed, ConvertError, Location, ManifestError
from mgeconvert.manifest.checks import CheckSettings, check_defaults
from mgeconvert.manifest.job import Job, rounds
from mgeconvert.manifest.options import ENDINGS, WRITTEN, Options, QuantizationKeys
from mgeconvert.manifest.paths import stem as stem_of
from mgeconvert.manifest.schema import (
    InputSpec,
    Limits,
    Manifest,
    Model,
    Target,
)


def plan(manifest: Manifest) -> tuple[Job, ...]:
    """Return a job for each target of each model, in the order of the files."""
    return tuple(_job(model, target) for model in manifest.models for target in model.targets)


def _job(model: Model, target: Target) -> Job:
    return Job(
        model=model.name,
        target=target.name,
        format=target.format,
        source=model.source,
        sha256=model.sha256,
        license=model.license,
        description=model.description,
        tags=model.tags,
        outputs=model.outputs,
        inputs=model.inputs,
        seed=model.seed,
        labels=model.labels,
        metric=model.metric,
        options=target.options,
        check=target.check,
        limits=model.limits,
        output=target.output,
        stem=target.stem,
        enabled=target.enabled,
        expect=target.expect,
        reason=target.reason,
        error=target.error,
        quantization=model.quantization,
    )


def single_job(
    *,
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    format: str,
    model: str = "",
    outputs: Sequence[str] = (),
    inputs: Sequence[InputSpec] = (),
    options: Options | None = None,
    check: CheckSettings | None = None,
    limits: Limits | None = None,
    seed: int = 0,
    quantization: QuantizationKeys | None = None,
) -> Job:
    """Return the job that writes the one file `output`, whose name must have the format's ending.

    None stands for the documented defaults; the model's name is the source's without an ending.
    ConversionFailed with a ManifestError if the format or the file's name is not possible.
    """
    origin, file = os.path.abspath(source), os.path.abspath(output)
    _judge_output(origin, file, format)
    made = options or WRITTEN[format]()
    rounding = quantization or QuantizationKeys()
    name = model or re.sub(r"[^A-Za-z0-9._+-]", "_", stem_of(origin)) or "model"
    return Job(
        model=name,
        target=format,
        format=format,
        source=origin,
        sha256=None,
        license="",
        description="",
        tags=(),
        outputs=tuple(outputs),
        inputs=tuple(inputs),
        seed=seed,
        labels=None,
        metric=None,
        options=made,
        check=check or check_defaults(format, rounds=rounds(made, rounding)),
        limits=limits or Limits(),
        output=os.path.dirname(file),
        stem=os.path.basename(file)[: -len(ENDINGS[format])],
        quantization=rounding,
    )


def _judge_output(source: str, file: str, format: str) -> None:
    if format not in ENDINGS:
        raise _refused(f'the format "{format}" is not yet supported')
    if not file.endswith(ENDINGS[format]):
        raise _refused(f'the output must end in "{ENDINGS[format]}", found "{file}"')
    if os.path.basename(file) == ENDINGS[format]:
        raise _refused(f'the output has no name before "{ENDINGS[format]}": "{file}"')
    if os.path.realpath(file) == os.path.realpath(source):
        raise _refused(f'the output is the source itself: "{file}"')


def _refused(problem: str) -> ConversionFailed:
    return ConversionFailed([ManifestError(problem, at=Location("manifest"))])


def missing_files(job: Job) -> tuple[ConvertError, ...]:
    """Return an error for each file that the job needs and that is not there when it starts."""
    read = {f"quantization.{name}": path for name, path in job.conversion_files().items()}
    needed = {"source": job.source, **read, **_check_files(job)}
    return tuple(
        _missing(path, key=_key(job, key))
        for key, path in needed.items()
        if not os.path.isfile(path)
    )


def _missing(path: str, *, key: Location) -> ManifestError:
    """Say what stands in place of a file."""
    if os.path.isdir(path):
        return ManifestError(f'"{path}" is a folder, not a file', at=key)
    folder = os.path.dirname(path)
    hint = "" if os.path.isdir(folder) else "its folder does not exist either"
    return ManifestError(f'the file "{path}" does not exist', at=key, hint=hint)


def _check_files(job: Job) -> dict[str, str]:
    found = {f"inputs.{spec.name}.sample": spec.sample for spec in job.inputs if spec.sample}
    return {**found, "labels": job.labels} if job.labels else found


def _key(job: Job, key: str) -> Location:
    return Location("manifest", name=f"models.{job.model}.{key}")

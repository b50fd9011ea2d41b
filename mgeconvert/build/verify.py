"""What the check worker runs: one artifact against its source, the runtimes living on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from mgeconvert.check.request import CheckRequest, Grid, InputRequest, Steps
from mgeconvert.check.session import Session
from mgeconvert.manifest.checks import MIXED
from mgeconvert.manifest.job import Job
from mgeconvert.manifest.options import INPUT_TYPES, PARAMETERS_FILE

if TYPE_CHECKING:
    from typing_extensions import Self


class Asking:
    """Base of what asks runtimes one request after another; leaving it ends their processes."""

    def __init__(self) -> None:
        self._session = Session()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session.close()


class Verifier(Asking):
    """Answers checks."""

    def __call__(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Check one artifact; return the result as plain data.

        request: the `job` as plain data, the paths `artifact` and `cache`, and of the source its
        `source_format` and `source_sha256`
        """
        return self._session.verify(check_request(request)).as_dict()


def check_request(request: Mapping[str, Any]) -> CheckRequest:
    """Return what the check is asked for a job."""
    job = Job.from_dict(request["job"])
    inputs = tuple(
        InputRequest(name=spec.name, shape=spec.shape, sample=spec.sample, range=spec.range)
        for spec in job.inputs
    )
    return CheckRequest(
        model=job.model,
        artifact=request["artifact"],
        format=job.format,
        source=job.source,
        source_format=request["source_format"],
        source_sha256=request["source_sha256"],
        rtol=job.check.rtol,
        atol=job.check.atol,
        rtol_max=job.check.rtol_max,
        atol_lsb=job.check.atol_lsb,
        lsb_share=job.check.lsb_share,
        min_snr=job.check.min_snr,
        min_top1=job.check.min_top1,
        rounding=job.rounding,
        mixed_snr=MIXED.min_snr,
        steps=_steps(Path(request["artifact"]), job) if job.quantizes else {},
        grids=_grids(job) if job.quantizes else (),
        inputs=inputs,
        outputs=job.outputs,
        seed=job.seed,
        runs=job.check.runs,
        labels=job.labels,
        metric=job.metric,
        cache=request["cache"],
        seconds=job.limits.time,
        memory=job.limits.memory,
    )


def _steps(artifact: Path, job: Job) -> dict[str, Steps]:
    """Return the steps of all tensors that the file of parameters beside the artifact names."""
    path = artifact.with_name(f"{job.stem}.{PARAMETERS_FILE}")
    if not path.exists():
        return {}
    entries = json.loads(path.read_text(encoding="utf-8"))
    found = {}
    for name, entry in entries.items():
        scale = entry["scale"]
        whole = not isinstance(scale, list)
        found[name] = Steps((scale,) if whole else tuple(scale), entry.get("axis"))
    return found


def _grids(job: Job) -> tuple[Grid, ...]:
    """Return what the inputs of a model without a QuantStub are rounded to."""
    asked = job.quantization
    if asked.input_data_type is None:
        return ()
    zeros = asked.input_zero_points or (0,) * len(asked.input_scales)
    low, high = INPUT_TYPES[asked.input_data_type]
    return tuple(Grid(scale, zero, low, high) for scale, zero in zip(asked.input_scales, zeros))

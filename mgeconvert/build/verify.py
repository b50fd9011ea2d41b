"""What the check worker runs: one artifact against its source, the runtimes living on."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

from mgeconvert.check.request import CheckRequest, InputRequest
from mgeconvert.check.session import Session
from mgeconvert.manifest.job import Job


class Verifier:
    """Answers checks one after another; leaving it ends the runtimes' processes."""

    def __init__(self) -> None:
        self._session = Session()

    def __enter__(self) -> Verifier:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session.close()

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

"""One job without a manifest: the same engine, in a folder that is gone afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mgeconvert.build.engine import OUR_SEAMS, Engine, Seams
from mgeconvert.build.outcome import Outcome
from mgeconvert.build.records import Result
from mgeconvert.build.state import FOLDER, State, shared_store
from mgeconvert.build.store import FolderStore, ScratchStore
from mgeconvert.errors import (
    KINDS,
    ConversionFailed,
    ConvertError,
    InternalError,
    UnreadableSource,
    from_dict,
)
from mgeconvert.manifest import Job, missing_files


def convert_single(job: Job, *, modes: Sequence[str] = (), seams: Seams = OUR_SEAMS) -> Result:
    """Convert the job, check it where it says so, and write its files.

    MGECONVERT_STORE may name a store that keeps the result. Raises ConversionFailed with all
    problems, InternalError for a bug of ours; then no file is written.
    """
    missing = missing_files(job)
    if missing:
        raise ConversionFailed([_as_source(problem) for problem in missing])
    output = Path(job.output)
    try:
        output.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER}-", dir=output))
    except OSError as error:
        problem = ConvertError(f"the output folder {output} cannot be written: {error.strerror}")
        raise ConversionFailed([problem]) from error
    shared = shared_store()
    store = FolderStore(shared) if shared else ScratchStore(folder / "store")
    engine = Engine(State(folder, "single"), store, seams=seams, modes=modes)
    try:
        engine.prepare(job)
        _raise(engine.convert(job))
        if job.check.enabled:
            _raise(engine.check(job))
        result = engine.known.made(job)
    finally:
        engine.close()
        shutil.rmtree(folder, ignore_errors=True)
    if result is None:
        raise InternalError("the result is not in the store")
    return result


def _as_source(problem: ConvertError) -> UnreadableSource:
    return UnreadableSource(problem.problem, hint=problem.hint)


def _raise(outcome: Outcome) -> None:
    if outcome.ok:
        return
    bugs = [problem for problem in outcome.problems if problem["code"] not in KINDS]
    if bugs:
        raise InternalError(f"{bugs[0]['problem']}\n{outcome.facts.output}")
    raise ConversionFailed([from_dict(problem) for problem in outcome.problems])

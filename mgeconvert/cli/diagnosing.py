"""The command diagnose."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mgeconvert.cli.options import (
    FAILED,
    OK,
    Commands,
    say,
)
from mgeconvert.errors import (
    ConversionFailed,
    ManifestError,
)

if TYPE_CHECKING:
    from mgeconvert.diagnose.result import Diagnosis
    from mgeconvert.manifest import Job

DIAGNOSE_EPILOG = """exit codes: 0 nothing differs; 1 something does; 2 wrong usage or a wrong
manifest; 3 nothing was found, but not everything could be compared; 130 interrupted"""


UNFINISHED = 3


def diagnose_command(commands: Commands) -> None:
    text = "Name the first wrong tensor of a job: of the source's reading, a pass, or the artifact."
    parser = commands.add_parser("diagnose", help=text, description=text, epilog=DIAGNOSE_EPILOG)
    parser.add_argument("file", nargs="?", type=Path, help="a manifest (.toml), or a model")
    parser.add_argument(
        "jobs", nargs="*", metavar="MODEL[:TARGET]", help="of the manifest; * and ?"
    )
    parser.add_argument("--to", metavar="FORMAT", help="the target of a model")
    parser.add_argument("--opset", type=int, help="of --to onnx")
    parser.add_argument("--rtol", type=float, help="instead of the job's")
    parser.add_argument("--atol", type=float, help="instead of the job's")
    parser.add_argument("--artifact", default="", metavar="FILE", help="look at this file")
    parser.add_argument("--save", default="", metavar="DIR", help="write a reproducer there")
    parser.add_argument("--replay", type=Path, metavar="DIR", help="run a reproducer again")
    parser.add_argument("--json", action="store_true", help="print JSON, one line for each job")
    parser.set_defaults(run=_diagnose)


def _diagnose(options: argparse.Namespace) -> int:
    from mgeconvert.build.diagnosing import diagnose_job, replay

    if options.replay:
        return _told(options, lambda: replay(options.replay))
    jobs = _jobs_to_diagnose(options)
    if len(jobs) > 1 and (options.artifact or options.save):
        raise ManifestError("--artifact and --save are for one job")
    artifact = options.artifact and os.path.abspath(options.artifact)
    save = options.save and os.path.abspath(options.save)
    work = (partial(diagnose_job, job, artifact=artifact, save=save) for job in jobs)
    codes = [_told(options, diagnose) for diagnose in work]
    return FAILED if FAILED in codes else max(codes, default=OK)


def _jobs_to_diagnose(options: argparse.Namespace) -> Sequence[Job]:
    """Return the jobs that the command names; raise ManifestError for a wrong usage."""

    from mgeconvert.build.plan import Build

    if options.file is None:
        raise ManifestError("a manifest or a model is missing", hint="or give --replay DIR")
    if options.file.suffix == ".toml":
        if options.to or options.opset is not None:
            raise ManifestError("--to and --opset are for a model, not for a manifest")
        jobs = Build(options.file).select(options.jobs)
    else:
        jobs = (_single_job(options),)
    given = {k: getattr(options, k) for k in ("rtol", "atol") if getattr(options, k) is not None}
    return [replace(job, check=replace(job.check, **given)) for job in jobs]


def _single_job(options: argparse.Namespace) -> Job:
    from mgeconvert.manifest import OnnxOptions, single_job
    from mgeconvert.manifest.options import ENDINGS

    if options.jobs or options.to not in ENDINGS:
        hint = f"mgeconvert diagnose MODEL --to FORMAT, one of {', '.join(ENDINGS)}"
        raise ManifestError("a model needs its target, and nothing else", hint=hint)
    if options.opset is not None and options.to != "onnx":
        raise ManifestError("--opset is for --to onnx")
    output = f"{options.file.stem or 'model'}{ENDINGS[options.to]}"
    special = None if options.opset is None else OnnxOptions(opset=options.opset)
    return single_job(source=options.file, output=output, format=options.to, options=special)


def _told(options: argparse.Namespace, diagnose: Callable[[], Diagnosis]) -> int:
    """Print what a diagnosis finds; return its exit code."""
    try:
        found = diagnose()
    except ConversionFailed as failed:
        say(failed.problems)
        return UNFINISHED
    lines = [json.dumps(found.as_dict())] if options.json else found.lines()
    print(*lines, sep="\n", flush=True)
    if found.first:
        return FAILED
    return OK if found.finished else UNFINISHED

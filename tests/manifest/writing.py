"""Manifests for tests: write one to a folder, and what loading it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from mgeconvert.errors import ConversionFailed, ManifestError
from mgeconvert.manifest import Job, load, plan

HEAD = "format = 1\n"
MODEL = '[models.m]\nsource = "m.tm"\n'
GOOD = HEAD + MODEL + "[models.m.targets.onnx]\n"


class Told(NamedTuple):
    """One problem as a user reads it."""

    file: str
    line: int
    column: int
    key: str
    problem: str
    hint: str


def write(folder: Path, text: str, name: str = "models.toml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def jobs(folder: Path, text: str) -> dict[str, Job]:
    return {job.name: job for job in plan(load(write(folder, text)))}


def job(folder: Path, text: str) -> Job:
    (only,) = jobs(folder, text).values()
    return only


def faults(path: Path) -> list[Told]:
    """Return all problems of the manifest at `path`, which must have some."""
    try:
        load(path)
    except ConversionFailed as failed:
        return [_told(problem) for problem in failed.problems]
    raise AssertionError("the manifest is accepted")


def wrong(folder: Path, text: str) -> list[Told]:
    return faults(write(folder, text))


def _told(problem: object) -> Told:
    assert isinstance(problem, ManifestError)
    assert problem.at is not None
    assert problem.at.stage == "manifest"
    place = re.fullmatch(r"(.*?)(?::(\d+):(\d+))?", problem.at.path)
    assert place is not None
    line, column = int(place[2] or 0), int(place[3] or 0)
    name = Path(place[1]).name
    return Told(name, line, column, problem.at.name, problem.problem, problem.hint)

"""Jobs to diagnose, in this process, so that a test can make a rule wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mgeconvert.build.diagnosis import subject_of
from mgeconvert.build.hashing import sha256_file
from mgeconvert.check.session import Session
from mgeconvert.diagnose.reproducer import diagnose_and_save
from mgeconvert.diagnose.result import Diagnosis
from mgeconvert.diagnose.subject import Subject
from mgeconvert.frontends import detect
from mgeconvert.manifest import Job, single_job
from mgeconvert.manifest.options import ENDINGS
from mgeconvert.rules import Rule, Rules

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits.tm"
DUMPS = ROOT / "tests" / "mge" / "dumps"
# Far above what sums in another order differ by, far below what a wrong rule does.
RTOL, ATOL = 1e-3, 1e-4


def job(source: Path, format: str = "onnx", *, rtol: float = RTOL, atol: float = ATOL) -> Job:
    made = single_job(source=source, output=f"x{ENDINGS[format]}", format=format)
    return replace(made, check=replace(made.check, rtol=rtol, atol=atol))


def subject(job: Job, *, artifact: str = "") -> Subject:
    return subject_of(
        {
            "job": job.as_dict(),
            "artifact": artifact,
            "cache": None,
            "source_format": detect(Path(job.source)),
            "source_sha256": sha256_file(job.source),
            "case": "",
        }
    )


def diagnosed(
    asked: Subject | Job, session: Session, folder: Path, *, wanted: bool = False
) -> tuple[Diagnosis, Mapping[str, bytes]]:
    made = asked if isinstance(asked, Subject) else subject(asked)
    return diagnose_and_save(made, runner=session.runner, folder=folder, wanted=wanted)


def make_wrong(
    monkeypatch: Any, rules: Rules, key: Any, wrong: Callable[[Callable], Callable]
) -> None:
    """Replace the rules of a key by what `wrong` makes of each."""
    changed = [Rule(wrong(rule.fn), rule.since, rule.limits) for rule in rules._rules[key]]
    monkeypatch.setitem(rules._rules, key, changed)

"""Whole builds: a job whose check fails names its first wrong tensor, once; others pay nothing."""

import json
import shutil
import subprocess
import sys

import pytest

from mgeconvert.build.engine import Seams
from mgeconvert.build.plan import Build
from tests.build.project import Project
from tests.diagnose.diagnosing import DIGITS, ROOT
from tests.diagnose.seams import LOG

pytestmark = pytest.mark.slow

CHECKER = "mgeconvert.build.verify:Verifier"
CONVERTER = "mgeconvert.build.convert:convert"
HERE = "tests.diagnose.seams"


class RealProject(Project):
    seams = Seams(CONVERTER, CHECKER, f"{HERE}:Counting")

    def build(self, **options):
        return Build(self.manifest, seams=self.seams)


@pytest.fixture
def project(tmp_path, monkeypatch):
    made = RealProject(tmp_path, monkeypatch)
    monkeypatch.setenv(LOG, str(made.log_path))
    shutil.copy(DIGITS, made.folder / "digits.tm")
    return made


def ask(project, keys=""):
    project.tables["digits"] = f"""
[models.digits]
source = "digits.tm"
[models.digits.targets.onnx]
{keys}
"""
    project.write()


def diagnoses(project):
    return project.log_path.read_text().splitlines() if project.log_path.exists() else []


def problems(project, stage="check"):
    return project.outcomes[f"{stage} digits:onnx"].problems


def test_a_tolerance_of_nothing_names_the_first_operator_once(project):
    ask(project, "check = { rtol = 0.0, atol = 0.0 }")
    assert project.run() == {"convert digits:onnx": "made", "check digits:onnx": "failed"}
    first, *_, last = problems(project)
    assert first["at"] is None
    assert "outside rtol 0, atol 0" in first["problem"]
    assert last["at"]["stage"] == "diagnosis"
    assert "the first wrong tensor (frontend" in last["problem"]
    assert "Conv 'stem_out'" in last["problem"]
    assert "in stem" in last["problem"]
    before = problems(project)
    assert project.run() == {"check digits:onnx": "failed"}
    assert problems(project) == before
    assert diagnoses(project) == ["onnx"]


def test_the_report_has_the_diagnosis(project):
    ask(project, "check = { rtol = 0.0, atol = 0.0 }")
    command = [sys.executable, "-m", "mgeconvert", "convert", "-f", str(project.manifest)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "diagnosis: the first wrong tensor (frontend" in done.stdout
    folder = project.folder / "build" / "report"
    (row,) = json.loads((folder / "report.json").read_text())["jobs"]
    (frontend, *_) = row["check"]["diagnosis"]["sections"]
    assert frontend["first"]["origin"]["name"] == "stem_out"
    for name in ("report.md", "report.html", "junit.xml"):
        text = (folder / name).read_text().replace("\\", "")
        assert "the first wrong tensor" in text
        assert "stem_out" in text


def test_a_wrong_rule_in_the_worker_is_named(project):
    ask(project)
    project.seams = Seams(f"{HERE}:convert_wrongly", CHECKER, f"{HERE}:Wrong")
    assert project.run()["check digits:onnx"] == "failed"
    told = problems(project)[-1]["problem"]
    assert "backend, onnxruntime against the interpreter" in told
    assert "MaxPool 'pool_out'" in told


def test_a_diagnosis_that_crashes_does_not_hide_the_failure(project):
    ask(project, "check = { rtol = 0.0, atol = 0.0 }")
    project.seams = Seams(CONVERTER, CHECKER, f"{HERE}:Crashing")
    assert project.run()["check digits:onnx"] == "failed"
    first, *_, last = problems(project)
    assert "outside rtol 0, atol 0" in first["problem"]
    assert last["problem"] == "it failed: the process crashed with SIGSEGV"
    project.seams = RealProject.seams
    assert project.run()["check digits:onnx"] == "failed"
    assert diagnoses(project) == []  # not again in vain


def test_a_check_that_passes_is_not_diagnosed(project):
    ask(project)
    assert project.run()["check digits:onnx"] == "made"
    assert diagnoses(project) == []

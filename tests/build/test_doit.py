"""The build under doit: command lines, exit codes, parallel and killed runs."""

import contextlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.build.project import ROOT

HEAVY = ("numpy", "onnx", "megengine", "onnxruntime", "google.protobuf", "rich")


def test_convert_does_everything_and_then_nothing(project):
    project.model("a")
    project.model("b")
    first = project.doit("convert")
    assert first.returncode == 0, first.stderr
    assert project.log() == {f"{s} {m}:onnx": 1 for s in ("convert", "check") for m in "ab"}
    assert "2 jobs: 2 passed" in first.stdout
    before = project.published()
    again = project.doit("convert")
    assert again.returncode == 0
    assert "made" not in again.stdout
    assert project.log() == {}
    assert project.published() == before


def test_doit_alone_is_doit_convert(project):
    project.model("a")
    assert project.doit().returncode == 0
    assert project.log() == {"convert a:onnx": 1, "check a:onnx": 1}


@pytest.mark.parametrize(
    "arguments",
    [
        ("convert", "a:onnx"),
        ("convert", "a"),
        ("convert", "a:*", "-n", "2"),
        ("-n", "2", "convert", "a:onnx"),
        ("run", "check:a:onnx"),
        ("check", "a:onnx"),
    ],
)
def test_one_job_alone(project, arguments):
    project.model("a")
    project.model("b")
    done = project.doit(*arguments)
    assert done.returncode == 0, done.stderr
    assert project.log() == {"convert a:onnx": 1, "check a:onnx": 1}


def test_an_unknown_job_is_named_and_nothing_starts(project):
    project.model("a")
    done = project.doit("convert", "a:tflite")
    assert done.returncode == 3
    assert "'a:tflite' is no job" in done.stderr
    assert "a:onnx" in done.stderr
    assert "Traceback" not in done.stderr
    assert project.log() == {}


def test_a_wrong_manifest_gives_all_problems_and_no_traceback(project):
    project.model("a", keys="opsett = 3\ncolour = 1")
    done = project.doit("convert")
    assert done.returncode == 3
    assert "opsett" in done.stderr
    assert "colour" in done.stderr
    assert "Traceback" not in done.stderr


def test_failures_let_others_go_on_and_are_exit_code_1(project):
    project.model("a", convert="refuse")
    project.model("b", check="differs")
    project.model("c", convert="crash")
    project.model("d")
    done = project.doit("convert")
    assert done.returncode == 1
    assert "4 jobs: 1 passed, 3 failed" in done.stdout
    assert "no rule for X" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    report = json.loads((project.folder / "build/report/report.json").read_text())
    assert [job["state"] for job in report["jobs"]] == ["failed", "failed", "failed", "passed"]


def test_two_processes_give_the_same_bytes_as_one(project, tmp_path):
    for name in "abcd":
        project.model(name)
    assert project.doit("convert").returncode == 0
    one = project.published()
    shutil.rmtree(project.folder / ".mgeconvert")
    shutil.rmtree(project.folder / "build")
    project.log()
    done = project.doit("convert", "-n", "2")
    assert done.returncode == 0, done.stderr
    assert project.published() == one
    assert sum(project.log().values()) == 8


def test_two_runs_at_once_do_each_job_once(project):
    for name in "abcd":
        project.model(name, convert="slow")
    runs = [project.start_doit("convert") for _ in range(2)]
    for run in runs:
        out, err = run.communicate(timeout=120)
        assert run.returncode == 0, out + err
    assert project.log() == {f"{s} {m}:onnx": 1 for s in ("convert", "check") for m in "abcd"}
    assert len(project.published()) == 4


def test_a_kill_loses_no_finished_job_and_shows_nothing_half_written(project):
    names = "abcdef"
    for name in names:
        project.model(name, stream="slow")
    run = project.start_doit("convert")
    deadline = time.monotonic() + 60
    while len(project.published()) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    run.kill()
    run.communicate()
    whole = project.published()
    finished = {name.rsplit("/", 1)[-1][0] for name in whole}
    assert len(finished) >= 2
    for data in whole.values():
        assert data.startswith(b"opset 17\n")
        assert data.endswith(b"stream slow")
    time.sleep(1)
    before = project.log()
    assert project.doit("convert").returncode == 0
    again = project.log()
    for name in finished:
        assert before[f"convert {name}:onnx"] == 1
        assert again[f"convert {name}:onnx"] == 0
    assert len(project.published()) == len(names)


def processes_in(folder) -> list[int]:
    """The processes whose working folder is `folder`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (entry / "cwd").resolve() == folder.resolve():
                found.append(int(entry.name))
    return found


def test_a_kill_leaves_no_process_behind(project):
    project.model("a")
    for name in "bcd":
        project.model(name, convert="hang")
    run = project.start_doit("convert", "-n", "6")
    deadline = time.monotonic() + 60
    while not project.published():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert len(processes_in(project.folder)) > 2
    run.kill()
    run.communicate()
    while processes_in(project.folder):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("arguments", [(), ("-n", "2"), ("-n", "6")])
def test_an_interrupted_run_still_reports(project, sent, arguments):
    project.model("a")
    for name in "bcd":
        project.model(name, convert="hang")
    run = project.start_doit("convert", *arguments)
    deadline = time.monotonic() + 60
    while not project.published():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.5)
    run.send_signal(sent)
    out, err = run.communicate(timeout=30)
    assert run.returncode == 130, out + err
    assert "Traceback" not in out + err
    report = json.loads((project.folder / "build/report/report.json").read_text())
    assert report["interrupted"]
    assert report["counts"]["passed"] == 1
    assert report["counts"]["missing"] == 3


def test_listing_imports_nothing_heavy(project):
    project.model("a")
    project.doit("list")
    code = (
        "import sys; from doit.doit_cmd import DoitMain; "
        "assert DoitMain().run(['list', '--all']) == 0; "
        f"heavy = [name for name in {HEAVY} if name in sys.modules]; "
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project.folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "convert:a:onnx" in done.stdout


def test_the_projects_own_dodo_file_lists_the_examples_quickly():
    """In time of the processor, for others may be using it."""
    times = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-m", "doit", "list", "--all"],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert re.search(r"^convert:digits:onnx", done.stdout, re.MULTILINE)
    assert re.search(r"^models:resnet18 ", done.stdout, re.MULTILINE)
    assert min(times) < 0.3


def test_clean_removes_what_was_published_and_nothing_else(project):
    project.model("a")
    project.model("b")
    project.doit("convert")
    foreign = project.artifact("a").parent / "notes.txt"
    foreign.write_text("mine")
    project.artifact("b").write_text("edited")
    done = project.doit("clean")
    assert done.returncode == 0, done.stderr
    assert sorted(name.rsplit("/", 1)[-1] for name in project.published()) == [
        "b.onnx",
        "notes.txt",
    ]


def test_losing_doits_database_changes_nothing(project):
    project.model("a")
    project.doit("convert")
    project.log()
    for path in project.folder.glob(".mgeconvert/doit.db*"):
        path.unlink()
    assert project.doit("convert").returncode == 0
    assert project.log() == {}


def test_report_task_writes_the_report_again(project):
    project.model("a")
    project.doit("convert")
    path = project.folder / "build/report/report.html"
    path.unlink()
    assert project.doit("report").returncode == 0
    assert path.exists()


@pytest.mark.parametrize(("processes", "room"), [((), 0), ((), 64), (("-n", "2"), 64)])
def test_jobs_that_fail_on_a_full_disk_count_as_failed(project, processes, room):
    for name in ("a", "b"):
        project.model(name)
    project.start_doit("list").communicate(timeout=120)  # writes dodo.py
    limit = f"resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))"
    run = f"import resource, runpy; {limit}; " + "runpy.run_module('doit', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", run, *processes, "convert"],
        cwd=project.folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "2 jobs: 2 failed" in done.stdout
    assert "the report could not be written" in done.stderr

"""The command line: what it prints, and its exit codes."""

import errno
import os

import pytest

from mgeconvert.build import plan, reports
from mgeconvert.cli import main
from tests.build.fakes import source
from tests.build.project import SEAMS


@pytest.fixture(autouse=True)
def fakes(monkeypatch):
    monkeypatch.setattr(
        plan.Build.__init__, "__kwdefaults__", {"options": plan.PLAIN, "seams": SEAMS}
    )


@pytest.fixture
def run(project, capsys, monkeypatch):
    monkeypatch.chdir(project.folder)

    def call(*arguments):
        code = main(arguments)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return code, captured.out, captured.err

    return call


def test_convert_builds_the_manifest_in_this_folder(project, run):
    project.model("a")
    project.model("b")
    code, out, _ = run("convert", "a")
    assert code == 0
    assert "check:a:onnx done" in out
    code, out, _ = run("convert")
    assert code == 0
    assert "a:onnx" not in out
    assert "2 jobs: 2 passed" in out
    assert len(project.published()) == 2


def test_a_failed_job_is_exit_code_1(project, run):
    project.model("a", convert="refuse")
    code, out, _ = run("convert", "-f", str(project.manifest))
    assert code == 1
    assert "no rule for X" in out


@pytest.mark.parametrize("arguments", [("convert", "b"), ("clean", "b")])
def test_an_unknown_job_is_exit_code_2(project, run, arguments):
    project.model("a")
    code, _, err = run(*arguments)
    assert code == 2
    assert "'b' is no job of this manifest" in err


@pytest.mark.parametrize("command", ["convert", "plan", "report", "clean"])
def test_a_wrong_or_missing_manifest_is_exit_code_2(project, run, command):
    code, _, err = run(command)
    assert code == 2
    assert "models.toml" in err
    project.model("a", keys="colour = 1\nsize = 2")
    code, _, err = run(command)
    assert code == 2
    assert "colour" in err
    assert "size" in err


def test_plan_lists_jobs_and_orphans(project, run):
    project.model("a")
    project.model("b", targets='[models.b.targets.onnx]\nenabled = false\nreason = "no reader"\n')
    project.model("c")
    run("convert")
    project.drop("c")
    project.model("d")
    code, out, _ = run("plan")
    assert code == 0
    assert out.splitlines() == [
        "a:onnx  onnx  passed",
        "b:onnx  onnx  disabled  (no reader)",
        "d:onnx  onnx  missing  (never built)",
        "orphan: build/c/onnx/c.onnx of c:onnx",
    ]


def test_clean_removes_orphans_and_says_so(project, run):
    project.model("a")
    run("convert")
    path = project.artifact("a")
    path.write_text("edited")
    project.drop("a")
    project.model("b")
    code, out, _ = run("clean")
    assert code == 1
    assert f"left, since it was changed: {path}" in out
    code, out, _ = run("clean", "--force")
    assert (code, out) == (0, f"removed {path}\n")


def test_plan_tells_what_was_never_built_from_what_is_out_of_date(project, run):
    def states():
        return {line.split()[0]: line.split("  ", 2)[2] for line in run("plan")[1].splitlines()}

    project.model("a")
    project.model("b")
    assert states() == dict.fromkeys(("a:onnx", "b:onnx"), "missing  (never built)")
    project.doit("convert")
    project.model("c")
    project.model("b", "other")
    assert states() == {
        "a:onnx": "passed",
        "b:onnx": "missing  (out of date)",
        "c:onnx": "missing  (never built)",
    }
    project.artifact("a").unlink()
    assert states()["a:onnx"] == "missing  (to be published again)"


@pytest.fixture
def full(monkeypatch):
    """A disk that is full when the report is written."""

    def replace_file(path, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(reports, "replace_file", replace_file)


def test_a_run_without_room_for_its_report_says_what_it_did(project, run, full):
    project.model("a")
    code, out, err = run("convert")
    assert code == 1
    assert out.endswith("1 jobs: 1 passed\n")
    assert "No space left on device: the report could not be written" in err
    assert len(project.published()) == 1


def test_a_report_without_room_is_one_line(project, run, full):
    project.model("a")
    assert run("report") == (1, "", "mgeconvert: No space left on device; free some space\n")


def test_report_says_where_it_is(project, run):
    project.model("a")
    code, out, _ = run("report")
    assert code == 0
    assert (project.folder / "build/report/report.html").samefile(out.strip())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--opset", "6"], "opset"),
        (["--opset", "24"], "opset must be an integer from 7 to 23, found 24"),
        (["--input_data_type", "int7", "--input_scales", "1"], "must be one of quint8"),
        (["--input_scales", "0.1", "0.2"], "input_data_type and input_scales need each other"),
        (["--input_scales", "0.1,x"], "where numbers are needed"),
        ([], "absent.tm"),
    ],
)
def test_the_predecessors_command_refuses_in_one_line_each(run, tmp_path, arguments, words):
    output = tmp_path / "x.onnx"
    code, _, err = run("tracedmodule_to_onnx", "-i", "absent.tm", "-o", str(output), *arguments)
    assert code == (2 if arguments else 1)
    assert words in err
    assert len(err.splitlines()) == 1
    assert not output.exists()


@pytest.mark.parametrize("data", [b"", b"\x80\x04", b"random", source("x")])
def test_the_predecessors_command_refuses_what_is_no_model(run, tmp_path, data):
    (tmp_path / "x.tm").write_bytes(data)
    output = tmp_path / "x.onnx"
    code, _, err = run("tracedmodule_to_onnx", "-i", str(tmp_path / "x.tm"), "-o", str(output))
    assert code == 1
    assert "[unreadable-source]" in err
    assert not output.exists()


def test_help_lists_the_commands(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    out = capsys.readouterr().out
    for name in ("convert", "plan", "report", "clean", "tracedmodule_to_onnx", "exit codes"):
        assert name in out


def test_wrong_usage_is_exit_code_2(capsys):
    with pytest.raises(SystemExit) as left:
        main(["convert", "--nonsense"])
    assert left.value.code == 2


def test_gc_removes_what_is_not_used_and_costs_time_only(project, run):
    project.model("a")
    run("convert")
    project.model("a", "other")
    run("convert")
    store = project.folder / ".mgeconvert" / "store"
    for path in store.rglob("*"):
        os.utime(path, (0, 0))
    assert run("plan")[1] == "a:onnx  onnx  passed\n"  # which uses the newer results
    code, out, _ = run("gc", "--dry-run")
    assert code == 0
    assert out.startswith("would remove 2 results and 1 files")
    assert run("gc")[1].startswith("removed 2 results and 1 files")
    assert run("gc")[1].startswith("removed 0 results and 0 files")
    project.log()
    assert run("convert")[0] == 0
    assert project.log() == {}
    project.model("a")
    assert run("convert")[0] == 0
    assert project.log() != {}
    with pytest.raises(SystemExit) as left:
        run("gc", "--days", "0.5")
    assert left.value.code == 2

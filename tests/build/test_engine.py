"""What must hold of incremental builds, each on a whole build with a fake converter."""

import hashlib
import os
import shutil

import pytest

from mgeconvert.build.failed import OTHERWISE
from mgeconvert.build.files import replace_file
from mgeconvert.build.journal import Journal
from mgeconvert.build.reports import collect
from tests.build.fakes import source

TWO_TARGETS = """
[models.a.targets.one]
format = "onnx"
opset = {one}
[models.a.targets.two]
format = "onnx"
opset = {two}
"""
MADE = {"convert a:onnx": "made", "check a:onnx": "made"}


def test_a_first_build_converts_checks_and_publishes(project):
    project.model("a")
    assert project.run() == MADE
    assert project.artifact("a").read_bytes().startswith(b"opset 17\n")
    assert project.log() == {"convert a:onnx": 1, "check a:onnx": 1}


def test_a_second_build_does_nothing(project):
    project.model("a")
    project.model("b")
    project.run()
    before = project.published()
    project.log()
    assert project.run() == {}
    assert project.log() == {}
    assert project.published() == before


def test_touching_a_source_rebuilds_nothing(project):
    project.model("a")
    project.run()
    os.utime(project.folder / "a.tm")
    assert project.run() == {}


def test_other_bytes_with_the_same_size_and_mtime_rebuild_that_model_alone(project, age):
    project.model("a", "1111")
    project.model("b")
    path = project.folder / "a.tm"
    age(path)
    stat = path.stat()
    project.run()
    project.write_source("a", "2222")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_size == stat.st_size
    assert path.stat().st_mtime_ns == stat.st_mtime_ns
    assert project.run() == MADE
    assert b"2222" in project.artifact("a").read_bytes()


def test_a_changed_option_rebuilds_that_target_alone(project):
    project.model("a", targets=TWO_TARGETS.format(one=11, two=13))
    project.run()
    project.model("a", targets=TWO_TARGETS.format(one=11, two=14))
    assert project.run() == {"convert a:two": "made", "check a:two": "made"}
    assert project.artifact("a", "two").read_bytes().startswith(b"opset 14\n")


def test_a_changed_tolerance_checks_again_and_does_not_convert(project):
    project.model("a")
    project.run()
    project.log()
    project.model("a", keys="check.rtol = 0.5")
    assert project.run() == {"check a:onnx": "made"}
    assert project.log() == {"check a:onnx": 1}


def test_a_deleted_artifact_comes_back_from_the_store(project):
    project.model("a")
    project.run()
    before = project.published()
    project.log()
    project.artifact("a").unlink()
    assert project.run() == {"check a:onnx": "restored"}
    assert project.log() == {}
    assert project.published() == before


def test_an_edited_artifact_comes_back_and_the_store_is_not_damaged_by_the_edit(project, age):
    project.model("a")
    project.run()
    before = project.published()
    path = project.artifact("a")
    with open(path, "r+b") as file:  # in place: through a hard link the store would change too
        file.write(b"OPSET")
    age(path)
    assert project.run() == {"check a:onnx": "restored"}
    assert project.published() == before


def test_a_fresh_clone_with_a_warm_store_converts_nothing(project, tmp_path):
    store = tmp_path / "store"
    project.environment.setenv("MGECONVERT_STORE", str(store))
    project.model("a")
    project.run()
    before = project.published()
    project.log()
    shutil.copytree(
        project.folder, tmp_path / "clone", ignore=shutil.ignore_patterns(".mge*", "build")
    )
    project.folder = tmp_path / "clone"
    assert project.run() == {"check a:onnx": "restored"}
    assert project.log() == {}
    assert project.published() == before
    assert not (project.folder / ".mgeconvert" / "store").exists()


def test_a_damaged_object_is_dropped_and_made_again(project):
    project.model("a")
    project.run()
    before = project.published()
    (stored,) = (project.folder / ".mgeconvert/store/v1/objects").glob("*/*")
    data = bytearray(stored.read_bytes())
    data[0] ^= 1
    stored.write_bytes(data)
    project.artifact("a").unlink()
    project.log()
    assert project.run() == {"check a:onnx": "restored"}
    assert project.log() == {"convert a:onnx": 1}  # the verdict on the same bytes holds
    assert project.published() == before


def test_a_damaged_record_is_made_again(project):
    project.model("a")
    project.run()
    for record in (project.folder / ".mgeconvert/store/v1/records").glob("*/*"):
        record.write_bytes(record.read_bytes().replace(b"a:onnx", b"b:onnx"))
    assert project.run() == MADE


def test_losing_the_state_but_not_the_store_converts_nothing(project):
    project.model("a")
    project.run()
    project.log()
    for path in (project.folder / ".mgeconvert").glob("*.jsonl"):
        path.unlink()
    project.run()
    assert project.log() == {}
    assert project.run() == {}


def test_rehash_finds_what_the_cache_of_hashes_does_not_see(project):
    project.model("a", "1111")
    project.run()
    path = project.write_source("a", "2222")
    stat = path.stat()
    lie = {  # the new file's state with the old file's hash
        "state": [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino],
        "sha256": hashlib.sha256(source("1111")).hexdigest(),
        "at": stat.st_ctime_ns + 10**10,
    }
    Journal(project.folder / ".mgeconvert" / "hashes.jsonl").put(str(path), lie)
    assert project.run() == {}
    assert project.run(rehash=True) == MADE


def test_artifacts_of_several_files_are_published_and_cleared_together(project):
    project.model("a", targets='[models.a.targets.onnx]\nexternal_data = "always"\n')
    project.run()
    names = [name.rsplit("/", 1)[-1] for name in project.published()]
    assert names == ["a.onnx", "a.onnx.data"]
    project.model("a")
    project.run()
    assert [name.rsplit("/", 1)[-1] for name in project.published()] == ["a.onnx"]


def test_a_job_without_a_check_is_published_by_its_conversion(project):
    project.model("a", keys='check = { enabled = false, reason = "no runtime" }')
    assert project.run() == {"convert a:onnx": "made"}
    assert project.run() == {}
    project.artifact("a").unlink()
    assert project.run() == {"convert a:onnx": "restored"}
    assert project.artifact("a").exists()


def test_a_failed_check_fails_the_job_and_publishes_nothing(project):
    project.model("a", check="differs")
    assert project.run() == {"convert a:onnx": "made", "check a:onnx": "failed"}
    (problem,) = project.outcomes["check a:onnx"].problems
    assert problem["code"] == "check-failed"
    assert project.published() == {}


def test_a_failed_check_is_remembered(project):
    project.model("a", check="differs")
    project.run()
    project.log()
    assert project.run() == {"check a:onnx": "failed"}
    assert project.log() == {}


@pytest.mark.parametrize("orders", [{"check": "differs"}, {"convert": "refuse"}])
def test_a_job_that_fails_now_takes_its_old_artifact_away(project, orders):
    project.model("a")
    project.run()
    old = project.artifact("a")
    project.write_source("a", **orders)
    project.run()
    assert not old.exists()
    (outcome,) = [o for o in project.outcomes.values() if not o.ok]
    assert outcome.withdrawn == (str(old),)


def test_a_file_that_someone_edited_is_not_taken_away_but_named(project, age):
    project.model("a")
    project.run()
    project.artifact("a").write_text("mine")
    age(project.artifact("a"))
    project.write_source("a", convert="refuse")
    project.run()
    assert project.artifact("a").read_text() == "mine"
    assert project.outcomes["convert a:onnx"].left == (str(project.artifact("a")),)


def test_a_refused_conversion_carries_all_problems_and_is_remembered(project):
    project.model("a", convert="refuse")
    project.model("b")
    done = project.run()
    assert done["convert a:onnx"] == "failed"
    assert done["check b:onnx"] == "made"
    problems = project.outcomes["convert a:onnx"].problems
    assert [problem["code"] for problem in problems] == ["unsupported-op"] * 2
    project.log()
    assert project.run() == {"convert a:onnx": "failed"}
    assert project.log() == {}


def test_a_source_that_is_not_there_is_a_failed_job(project):
    project.model("a")
    project.model("b")
    (project.folder / "a.tm").unlink()
    done = project.run()
    assert (done["convert a:onnx"], done["check b:onnx"]) == ("failed", "made")
    (problem,) = project.outcomes["convert a:onnx"].problems
    assert problem["code"] == "unreadable-source"


def test_the_sha256_of_the_manifest_is_demanded_of_stored_results_too(project):
    project.model("a")
    project.run()
    project.model("a", keys=f'sha256 = "{"0" * 64}"')
    assert project.run() == {"convert a:onnx": "failed"}
    assert project.outcomes["convert a:onnx"].problems[0]["code"] == "manifest"


@pytest.mark.parametrize(
    "orders", [{"convert": "refuse"}, {"check": "differs"}], ids=["conversion", "check"]
)
def test_a_job_may_be_expected_to_fail(project, orders):
    project.model("a", keys='expect = "fail"\nreason = "a known limit"', **orders)
    assert "expected" in project.run().values()
    assert all(outcome.ok for outcome in project.outcomes.values())
    assert project.run() == {}
    assert project.published() == {}


@pytest.mark.parametrize(
    ("orders", "error"),
    [({"convert": "refuse"}, "[unsupported-op]"), ({"check": "differs"}, "out differs")],
    ids=["conversion", "check"],
)
def test_an_expected_failure_may_have_to_say_something(project, orders, error):
    keys = f'expect = "fail"\nreason = "a known limit"\nerror = "{error}"'
    project.model("a", keys=keys, **orders)
    assert "expected" in project.run().values()
    assert project.run() == {}
    assert collect(project.build()).jobs[0].state == "expected"


@pytest.mark.parametrize(
    "orders", [{"convert": "refuse"}, {"check": "differs"}, {"convert": "crash"}]
)
def test_a_failure_that_says_something_else_is_none_that_was_expected(project, orders):
    keys = 'expect = "fail"\nreason = "a known limit"\nerror = "too many axes"'
    project.model("a", keys=keys, **orders)
    for _ in range(2):  # made, and from the store
        assert "failed" in project.run().values()
        outcome = next(o for o in project.outcomes.values() if not o.ok)
        assert outcome.problems[-1]["problem"] == OTHERWISE
        assert "too many axes" in outcome.problems[-1]["hint"]
        assert len(outcome.problems) > 1
        row = collect(project.build()).jobs[0]
        assert row.state == "failed"
        assert row.problems == outcome.problems


def test_a_missing_source_is_expected_only_where_the_error_says_so(project):
    keys = 'expect = "fail"\nreason = "a known limit"'
    for error, state in (("", "expected"), ("too many axes", "failed")):
        project.model("a", keys=keys + (f'\nerror = "{error}"' if error else ""))
        (project.folder / "a.tm").unlink()
        assert project.run()["convert a:onnx"] == state
        assert collect(project.build()).jobs[0].state == state


def test_a_job_that_passes_unexpectedly_fails(project):
    project.model("a", keys='expect = "fail"\nreason = "a known limit"')
    assert project.run()["check a:onnx"] == "failed"
    assert "a known limit" in project.outcomes["check a:onnx"].problems[0]["hint"]
    assert project.published() == {}


def test_the_mode_that_checks_passes_has_results_of_its_own(project):
    project.model("a")
    project.run()
    project.log()
    assert project.run(check_passes=True)["convert a:onnx"] == "made"
    assert project.log()["convert a:onnx"] == 1
    assert project.run() == {}


def test_what_an_interrupted_run_left_behind_is_swept_up(project):
    project.model("a")
    stage = project.artifact("a").parent / ".mgeconvert-a-onnx"
    replace_file(stage / "a.onnx", b"half")
    project.run()
    assert not stage.exists()
    assert project.artifact("a").read_bytes() != b"half"

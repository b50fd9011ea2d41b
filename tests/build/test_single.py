"""One job without a manifest."""

import pytest

from mgeconvert.build.plan import unchecked
from mgeconvert.build.single import convert_single
from mgeconvert.errors import ConversionFailed, InternalError
from mgeconvert.manifest import single_job
from tests.build.fakes import LOG, source
from tests.build.project import SEAMS


@pytest.fixture
def job(tmp_path, monkeypatch):
    monkeypatch.setenv(LOG, str(tmp_path / "log"))
    monkeypatch.delenv("MGECONVERT_STORE", raising=False)

    def make(data="x", **orders):
        (tmp_path / "in.tm").write_bytes(source(data, **orders))
        output = tmp_path / "out" / "x.onnx"
        return single_job(source=tmp_path / "in.tm", output=output, format="onnx")

    return make


def left(tmp_path):
    return sorted(path.name for path in (tmp_path / "out").iterdir())


def test_only_the_artifact_is_left(job, tmp_path):
    result = convert_single(unchecked(job()), seams=SEAMS)
    assert left(tmp_path) == ["x.onnx"]
    assert result.files[0].size == (tmp_path / "out" / "x.onnx").stat().st_size
    assert result.notes == ("a note",)


def test_a_check_may_be_asked_for(job, tmp_path):
    convert_single(job(), seams=SEAMS)
    assert left(tmp_path) == ["x.onnx"]
    with pytest.raises(ConversionFailed, match="out differs"):
        convert_single(job(check="differs"), seams=SEAMS)


def test_a_failure_raises_all_problems_and_leaves_nothing(job, tmp_path):
    with pytest.raises(ConversionFailed) as caught:
        convert_single(unchecked(job(convert="refuse")), seams=SEAMS)
    assert [problem.code for problem in caught.value.problems] == ["unsupported-op"] * 2
    assert caught.value.problems[0].at.op == "X"
    assert left(tmp_path) == []


def test_a_crash_is_a_limit(job):
    with pytest.raises(ConversionFailed, match="SIGSEGV"):
        convert_single(unchecked(job(convert="crash")), seams=SEAMS)


def test_a_bug_is_an_internal_error_with_the_traceback(job):
    with pytest.raises(InternalError, match="ZeroDivisionError"):
        convert_single(unchecked(job(convert="bug")), seams=SEAMS)


def test_a_shared_store_keeps_the_result(job, tmp_path, monkeypatch):
    monkeypatch.setenv("MGECONVERT_STORE", str(tmp_path / "store"))
    for _ in range(2):
        convert_single(unchecked(job()), seams=SEAMS)
    assert (tmp_path / "log").read_text().count("convert") == 1
    assert left(tmp_path) == ["x.onnx"]


def test_a_missing_source_and_an_unwritable_folder_are_refused(job, tmp_path):
    made = unchecked(job())
    (tmp_path / "out").write_text("a file where a folder should be")
    with pytest.raises(ConversionFailed, match="cannot be written"):
        convert_single(made, seams=SEAMS)
    (tmp_path / "in.tm").unlink()
    with pytest.raises(ConversionFailed, match=r"in\.tm.*does not exist.*unreadable-source"):
        convert_single(made, seams=SEAMS)


def test_a_folder_in_place_of_the_source_is_told(job, tmp_path):
    made = unchecked(job())
    (tmp_path / "in.tm").unlink()
    (tmp_path / "in.tm").mkdir()
    with pytest.raises(ConversionFailed, match=r"in\.tm.*is a folder, not a file"):
        convert_single(made, seams=SEAMS)

"""What is told of damaged sources: which file it is, and what to do, on each way."""

from pathlib import Path

import pytest

from mgeconvert.api import tracedmodule_to_onnx
from mgeconvert.build.diagnosing import diagnose_job
from mgeconvert.build.plan import Build
from mgeconvert.build.reports import collect
from mgeconvert.cli import main
from mgeconvert.errors import ConversionFailed
from mgeconvert.frontends import read
from mgeconvert.manifest import single_job

DIGITS = Path(__file__).parents[2] / "examples" / "digits.tm"


@pytest.fixture(autouse=True)
def own_store(monkeypatch):
    monkeypatch.delenv("MGECONVERT_STORE", raising=False)


@pytest.fixture
def cut(tmp_path):
    """Return the path of a `.tm` file that ends too early."""

    def make(name="short.tm", share=0.5):
        data = DIGITS.read_bytes()
        path = tmp_path / name
        path.write_bytes(data[: int(len(data) * share)])
        return path

    return make


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.01, 0.3, 0.7, 0.9999])
def test_the_reader_names_the_file_and_what_to_do(cut, share):
    path = cut(share=share)
    with pytest.raises(Exception, match=r"short\.tm.*\[unreadable-source\] \(.+\)"):
        read(path, shapes={}, outputs=())


def test_a_function_names_the_file(cut, tmp_path):
    with pytest.raises(ConversionFailed, match=r"short\.tm: .*\[unreadable-source\] \(.+\)"):
        tracedmodule_to_onnx(cut(), tmp_path / "out.onnx")


def test_a_diagnosis_names_the_file_and_was_not_finished(cut, capsys):
    for path in (cut(), cut("begin.tm", share=0.0001)):
        job = single_job(source=path, output="out.onnx", format="onnx")
        with pytest.raises(ConversionFailed, match=path.name):
            diagnose_job(job)
        assert main(["diagnose", str(path), "--to", "onnx"]) == 3
        assert path.name in capsys.readouterr().err


def test_a_stored_failure_has_the_name_that_the_file_has_now(cut, tmp_path):
    path = cut()
    manifest = tmp_path / "models.toml"
    for name in ("short.tm", "renamed.tm"):
        path = path.rename(tmp_path / name)
        manifest.write_text(f'format = 1\n[models.m]\nsource = "{name}"\n[models.m.targets.onnx]\n')
        build = Build(manifest)
        (job,) = build.jobs
        outcome = build.engine.convert(job)
        told = collect(build).jobs[0].problems
        build.close()
        assert [p["at"]["path"] for p in outcome.problems] == [str(path)]
        assert [p["at"]["path"] for p in told] == [str(path)]

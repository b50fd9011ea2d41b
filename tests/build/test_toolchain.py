"""The fingerprint: which code and which libraries a result depends on."""

import shutil

import pytest

from mgeconvert.build import toolchain
from mgeconvert.build.hashing import FileHashes
from mgeconvert.build.journal import Journal
from mgeconvert.build.toolchain import PACKAGE, Toolchains
from tests.build.project import ROOT


@pytest.fixture
def package(tmp_path):
    """A copy of our own sources, to change."""
    ignore = shutil.ignore_patterns("__pycache__", "*.so")
    shutil.copytree(PACKAGE, tmp_path / "copy" / "mgeconvert", ignore=ignore)
    shutil.copytree(ROOT / "native", tmp_path / "copy" / "native", ignore=ignore)
    return tmp_path / "copy" / "mgeconvert"


def found(package, tmp_path):
    chains = Toolchains(FileHashes(Journal(tmp_path / "hashes.jsonl")), package)
    conversion, check = chains.conversion("traced", "onnx"), chains.check("traced", "onnx")
    return conversion.code, check.code


@pytest.mark.parametrize(
    ("path", "converts_again", "checks_again"),
    [
        ("ir/graph.py", True, False),
        ("rules.py", True, False),
        ("frontends/traced/vocabulary.py", True, False),
        ("frontends/traced/names.json", True, False),
        ("frontends/mge/__init__.py", False, False),
        ("backends/base.py", True, False),
        ("backends/onnx/writer.py", True, False),
        ("build/convert.py", True, False),
        ("build/store.py", False, False),
        ("check/compare.py", False, True),
        ("report/html.py", False, False),
        ("cli/__init__.py", False, False),
        ("errors.py", True, True),
        ("../native/module.cpp", True, True),
    ],
)
def test_a_change_of_code_makes_its_paths_again(
    package, tmp_path, path, converts_again, checks_again
):
    before = found(package, tmp_path)
    file = package / path
    file.write_bytes(file.read_bytes() + b"\n")
    after = found(package, tmp_path)
    assert (before[0] != after[0], before[1] != after[1]) == (converts_again, checks_again)


def test_a_new_file_and_a_renamed_one_count_and_caches_do_not(package, tmp_path):
    before = found(package, tmp_path)
    (package / "ir" / "__pycache__").mkdir()
    (package / "ir" / "__pycache__" / "x.pyc").write_bytes(b"x")
    assert found(package, tmp_path) == before
    (package / "ir" / "new.py").write_bytes(b"")
    added = found(package, tmp_path)
    assert added[0] != before[0]
    (package / "ir" / "new.py").rename(package / "ir" / "newer.py")
    assert found(package, tmp_path)[0] != added[0]


def test_versions_of_the_libraries_on_the_path_count(tmp_path, monkeypatch):
    versions = {"onnx": "1.0", "numpy": "1.26.4"}

    def version(name):
        if name not in versions:
            raise toolchain.metadata.PackageNotFoundError
        return versions[name]

    monkeypatch.setattr(toolchain.metadata, "version", version)

    def libraries():
        chains = Toolchains(FileHashes(Journal(tmp_path / "hashes.jsonl")))
        return chains.conversion("traced", "onnx").libraries, chains.check(
            "traced", "onnx"
        ).libraries

    conversion, check = libraries()
    assert conversion["onnx"] == "1.0"
    assert conversion["onnxoptimizer"] == "absent"
    assert "megengine" not in conversion
    assert check["megengine"] == "absent"
    versions["megengine"] = "1.13.0"
    assert libraries() == (conversion, {**check, "megengine": "1.13.0"})
    versions["onnx"] = "1.1"
    assert libraries()[0] != conversion


def test_a_new_version_of_our_code_converts_again_under_doit(project, package):
    project.model("a")
    copy = str(package.parent)
    assert project.doit("convert", path=copy).returncode == 0
    project.log()
    (package / "frontends" / "mge" / "__init__.py").write_text('"""Changed."""\n')
    assert project.doit("convert", path=copy).returncode == 0
    assert project.log() == {}
    (package / "frontends" / "traced" / "new.py").write_text('"""New."""\n')
    assert project.doit("convert", path=copy).returncode == 0
    assert project.log() == {"convert a:onnx": 1}


@pytest.mark.parametrize("path", ["build/calibration.py", "backends/onnx/writer.py"])
def test_calibration_depends_on_what_runs_the_model(package, tmp_path, path):
    def codes():
        chains = Toolchains(FileHashes(Journal(tmp_path / "hashes.jsonl")), package)
        plain = chains.conversion("traced", "tflite")
        calibrated = chains.conversion("traced", "tflite", also=toolchain.CALIBRATION)
        assert "onnxruntime" in calibrated.libraries
        return plain.code, calibrated.code

    before = codes()
    file = package / path
    file.write_bytes(file.read_bytes() + b"\n")
    after = codes()
    assert before[0] == after[0]
    assert before[1] != after[1]

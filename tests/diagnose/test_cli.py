"""The command `diagnose`: what it takes, what it prints, and its exit codes."""

import json

import pytest

from mgeconvert import cli
from tests.diagnose.diagnosing import DIGITS, DUMPS, ROOT

pytestmark = pytest.mark.slow

EXACT = ("--rtol", "0", "--atol", "0")


def run(capsys, *arguments):
    code = cli.main(["diagnose", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_job_of_a_manifest(capsys):
    code, out, _ = run(capsys, ROOT / "examples" / "models.toml", "digits:onnx-17")
    assert code == 0
    assert out.startswith("digits, sample, N=1, rtol 0.001, atol 0.0001\n")
    assert [line.split()[0] for line in out.splitlines()[1:4]] == ["frontend", "passes", "backend"]
    assert out.endswith("no stage changes a tensor by more than the tolerances\n")


def test_a_difference_is_saved_and_run_again(capsys, tmp_path):
    folder = tmp_path / "new" / "reproducer"
    code, out, _ = run(capsys, DIGITS, "--to", "onnx", *EXACT, "--save", folder)
    assert code == 1
    assert "the first wrong tensor (frontend, the interpreter against MegEngine): Conv" in out
    code, out, _ = run(capsys, "--replay", folder)
    assert code == 1
    assert "Conv 'stem_out'" in out


def test_json(capsys):
    code, out, _ = run(capsys, DUMPS / "residual.v1-bare.mge", "--to", "onnx", "--json")
    (line,) = out.splitlines()
    data = json.loads(line)
    assert code == 0
    assert [section["stage"] for section in data["sections"]] == ["frontend", "passes", "backend"]
    assert all(section["first"] is None for section in data["sections"])


def test_what_cannot_be_compared_has_a_code_of_its_own(capsys, tmp_path):
    code, out, _ = run(capsys, DUMPS / "residual.v2-hwcd4.mge", "--to", "onnx")
    assert code == 3
    assert "not finished" in out
    damaged = tmp_path / "damaged.mge"
    damaged.write_bytes((DUMPS / "residual.v1-bare.mge").read_bytes()[:-100])
    code, _, err = run(capsys, damaged, "--to", "onnx")
    assert code == 3
    assert "unreadable-source" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "a manifest or a model is missing"),
        ((DIGITS,), "needs its target"),
        ((DIGITS, "--to", "png"), "needs its target"),
        ((DIGITS, "digits:onnx", "--to", "onnx"), "needs its target"),
        ((DIGITS, "--to", "caffe", "--opset", "7"), "--opset is for --to onnx"),
        ((ROOT / "examples/models.toml", "--to", "onnx"), "not for a manifest"),
        ((ROOT / "examples/models.toml", "nothing"), "no job of this manifest"),
        ((ROOT / "examples/models.toml", "digits:*", "--save", "x"), "are for one job"),
        ((ROOT / "missing.toml",), "missing.toml"),
    ],
)
def test_wrong_usage(capsys, arguments, words):
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert words in err


def test_a_folder_that_is_no_reproducer(capsys, tmp_path):
    code, _, err = run(capsys, "--replay", tmp_path)
    assert code == 3
    assert "no reproducer" in err

"""The reader and its names against the MegEngine that is installed, in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mgeconvert.errors import UnsafeSource
from mgeconvert.frontends.traced.read import read
from tests.traced import pickles, seen

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
MODELS = ("float", "qat", "quantized")
NAMES = ROOT / "mgeconvert/frontends/traced/names.json"


def run(module: str, *args: str) -> str:
    command = [sys.executable, "-m", module, *args]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("ending", ["tm", "protocol3.tm", "protocol5.tm"])
def test_models_made_now_hold_what_megengine_says(fresh, name, ending):
    expected = json.loads((fresh / f"{name}.json").read_text())
    expected.pop("full_names")
    assert seen.view(read(fresh / f"{name}.{ending}")) == expected


@pytest.mark.parametrize("name", MODELS)
def test_committed_models_are_what_would_be_made_now(fresh, name):
    committed = json.loads((pickles.DATA / f"{name}.json").read_text())
    assert json.loads((fresh / f"{name}.json").read_text()) == committed


def test_names_are_those_of_megengine():
    """Run `python -m tests.traced.names_of_megengine` to write the file anew."""
    assert json.loads(run("tests.traced.names_of_megengine")) == json.loads(NAMES.read_text())


def test_pickles_that_the_tests_write_are_read_by_megengine_too(tmp_path):
    """Otherwise the hostile ones would be refused for the wrong reason."""
    for name in MODELS:
        (tmp_path / f"{name}.tm").write_bytes(pickles.changed(lambda top: None, name))
    program = (
        "import sys, megengine, megengine.traced_module as t\n"
        "kinds = {type(megengine.load(path)) for path in sys.argv[1:]}\n"
        "sys.exit(kinds != {t.TracedModule})\n"
    )
    paths = [str(tmp_path / f"{name}.tm") for name in MODELS]
    done = subprocess.run([sys.executable, "-c", program, *paths], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_megengine_itself_runs_what_the_reader_refuses(tmp_path):
    """The reason for reading a file before MegEngine does."""
    left = tmp_path / "left"
    (tmp_path / "canary_of_megengine.py").write_text(f"open({str(left)!r}, 'w').close()\n")

    def change(top):
        pickles.stubs(top, "CallFunction")[0].state["func"] = ("canary_of_megengine", "f")

    path = tmp_path / "hostile.tm"
    path.write_bytes(pickles.changed(change))
    with pytest.raises(UnsafeSource, match="canary_of_megengine"):
        read(path)
    assert not left.exists()
    program = "import sys, megengine, megengine.traced_module; megengine.load(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", program, str(path)], cwd=tmp_path, capture_output=True, check=False
    )
    assert left.exists()

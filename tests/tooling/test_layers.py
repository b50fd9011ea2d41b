"""The import contracts of pyproject.toml are kept, and notice when they are broken."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = Path(sys.executable).with_name("lint-imports")

# What is added to a copy of the package, and a line that the report must then have.
BREACHES = {
    "a module without a place": ("mgeconvert/stray.py", "", "stray"),
    "upwards": (
        "mgeconvert/errors.py",
        "import mgeconvert.native",
        "mgeconvert.errors is not allowed to import mgeconvert.native:",
    ),
    "the core and a format's library": (
        "mgeconvert/rules.py",
        "import onnx",
        "mgeconvert.rules is not allowed to import onnx:",
    ),
    "from one frontend to another": (
        "mgeconvert/frontends/traced/stray.py",
        "import mgeconvert.frontends.mge",
        "mgeconvert.frontends.traced is not allowed to import mgeconvert.frontends.mge:",
    ),
    "from the manifest to the IR": (
        "mgeconvert/manifest/stray.py",
        "import mgeconvert.ir",
        "mgeconvert.manifest is not allowed to import mgeconvert.ir:",
    ),
}


def lint(folder):
    done = subprocess.run(
        [LINT, "--no-cache"], cwd=folder, capture_output=True, text=True, timeout=120
    )
    return done.returncode, re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)


def test_contracts_are_kept():
    code, report = lint(ROOT)
    assert code == 0, report
    assert "0 broken" in report


@pytest.mark.parametrize("name", BREACHES)
def test_breach_is_noticed(name, tmp_path):
    path, line, message = BREACHES[name]
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "mgeconvert", tmp_path / "mgeconvert")
    with (tmp_path / path).open("a") as file:
        file.write(f"\n{line}\n")
    code, report = lint(tmp_path)
    assert code == 1, report
    assert message in report

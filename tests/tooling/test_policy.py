"""The settings of pytest that the other tests rely on are in force, and there is one version."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import mgeconvert

ROOT = Path(__file__).parents[2]

CASES = {
    "our warnings are errors": (
        "import warnings\ndef test(): warnings.warn('from our code')",
        "UserWarning: from our code",
    ),
    "deprecations are errors": (
        "import warnings\ndef test(): warnings.warn('old', DeprecationWarning)",
        "DeprecationWarning: old",
    ),
    "unknown markers are errors": (
        "import pytest\n@pytest.mark.sloow\ndef test(): pass",
        "'sloow' not found in `markers`",
    ),
    "an expected failure that passes is a failure": (
        "import pytest\n@pytest.mark.xfail(reason='fixed meanwhile')\ndef test(): pass",
        "[XPASS(strict)] fixed meanwhile",
    ),
    "a hanging test is stopped": (
        "import time, pytest\n@pytest.mark.timeout(0.2)\ndef test(): time.sleep(60)",
        "Timeout",
    ),
}


def test_one_version():
    assert mgeconvert.__version__ == metadata.version("mgeconvert")


@pytest.mark.parametrize("name", CASES)
def test_fails(name, tmp_path):
    text, message = CASES[name]
    (tmp_path / "test_inner.py").write_text(text)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        ROOT / "pyproject.toml",
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run([*command, tmp_path], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert message in done.stdout + done.stderr

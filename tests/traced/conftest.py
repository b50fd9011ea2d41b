"""Models made by the MegEngine that is installed, in a child process."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def fresh(tmp_path_factory) -> Path:
    """A folder like `data`, made now, with pickle protocols 3 and 5 beside the default."""
    folder = tmp_path_factory.mktemp("traced")
    command = [sys.executable, "-m", "tests.traced.models", str(folder), "3", "5"]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder

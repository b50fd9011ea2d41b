"""One session of runtimes for all tests, and sources written by MegEngine once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mgeconvert.check.session import Session
from tests.diagnose.diagnosing import ROOT


@pytest.fixture(scope="session")
def session() -> Iterator[Session]:
    with Session() as session:
        yield session


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of shared.tm, and of branches.v1.mge and branches.v2.mge without inner names."""
    folder = tmp_path_factory.mktemp("sources")
    command = [sys.executable, "-m", "tests.diagnose.models", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder

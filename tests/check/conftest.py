"""Sources written by MegEngine once, and one session of runtimes for all tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mgeconvert.check.session import Session


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of linear.tm (with weight.npy, bias.npy), outer.tm, state.tm and two .mge."""
    folder = tmp_path_factory.mktemp("sources")
    program = Path(__file__).with_name("traced_models.py")
    subprocess.run([sys.executable, program, folder], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def session() -> Iterator[Session]:
    with Session() as session:
        yield session

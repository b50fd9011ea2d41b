"""`make` installs when something that the installation depends on is newer, and only then."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = os.path.realpath(sys.executable)  # the one below .venv, with its headers and ensurepip


def program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path):
    """A set-up checkout in which uv, doit and pytest only say what they were asked to do."""
    for name in ("Makefile", "pyproject.toml", "uv.lock", "native", ".ci"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    uv_version = re.search(r"^UV_VERSION := (.*)$", (ROOT / "Makefile").read_text(), re.M)[1]
    for name in (".tools/bin/uv", ".venv/bin/doit", ".venv/bin/python"):
        program(tmp_path / name, f'echo "{Path(name).name} $*"')
    for name in (f".tools/.uv-{uv_version}", ".venv/.installed"):
        (tmp_path / name).touch()
    for path in tmp_path.rglob("*"):
        if path.name != ".installed":
            os.utime(path, (1e9, 1e9))
    return tmp_path


def run_make(checkout, *arguments):
    """Run make as a user would: without what a make that runs these tests hands down."""
    inherited = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "ARGS", "JOBS", "PYTHON")
    env = {name: value for name, value in os.environ.items() if name not in inherited}
    command = ["make", *arguments]
    return subprocess.run(
        command, cwd=checkout, env=env, capture_output=True, text=True, timeout=60
    )


def make(checkout, *arguments):
    done = run_make(checkout, f"PYTHON={PYTHON}", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_set_up_once(checkout):
    assert make(checkout, "convert", "ARGS=-n 2 model:onnx") == ["doit convert -n 2 model:onnx"]
    assert make(checkout, "test-fast", "JOBS=3") == [
        "python -m pytest -n 3 --dist loadfile -m not full and not slow"
    ]


@pytest.mark.parametrize("name", ["uv.lock", "pyproject.toml", "native/module.cpp"])
def test_installs_again_after_a_change(checkout, name):
    (checkout / name).touch()
    os.utime(checkout / ".venv/.installed", (1.1e9, 1.1e9))
    lines = make(checkout, "convert")
    assert lines[0] == f"Installing into .venv with {PYTHON}"
    assert lines[1].startswith(f"uv sync --frozen --quiet --python {PYTHON} ")
    assert lines[1].endswith("--extra megengine")
    assert lines[2].startswith("uv pip install ")
    assert lines[3:] == ["doit convert"]
    assert make(checkout, "convert") == ["doit convert"]


def test_says_which_python_it_wants(checkout):
    (checkout / "uv.lock").touch()
    os.utime(checkout / ".venv/.installed", (1.1e9, 1.1e9))
    done = run_make(checkout, "setup", "PYTHON=/usr/bin/false")
    assert done.returncode != 0
    assert "No usable CPython 3.10 found as '/usr/bin/false'." in done.stderr


def test_help_lists_every_target(checkout):
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)[1].split()
    listed = {line.split()[1] for line in make(checkout, "help")}
    assert listed == set(phony) - {"help"}

"""`.ci/find-python` finds an interpreter that really runs, past shims that do not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "find-python"
VERSION = "{}.{}".format(*sys.version_info)
REAL = os.path.realpath(sys.executable)


def find(*arguments, path, home):
    """Run the script where only `path` and the usual tools are on PATH."""
    env = {"PATH": f"{path}:/usr/bin:/bin", "HOME": str(home)}
    return subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, env=env, timeout=60)


def program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def shim(tmp_path):
    """A command that refuses this folder, as a pyenv shim does."""
    refusal = f"echo 'pyenv: python{VERSION}: command not found' >&2; exit 127"
    return program(tmp_path / "shims" / f"python{VERSION}", refusal)


def same(done, wanted=REAL):
    assert done.returncode == 0, done.stderr
    return os.path.samefile(done.stdout.strip(), wanted)


def test_command_on_path(tmp_path):
    program(tmp_path / "bin" / f"python{VERSION}", f'exec "{REAL}" "$@"')
    assert same(find(f"python{VERSION}", VERSION, path=tmp_path / "bin", home=tmp_path))


def test_version_of_pyenv_behind_a_broken_shim(tmp_path, shim):
    program(tmp_path / f".pyenv/versions/{VERSION}.3/bin/python", f'exec "{REAL}" "$@"')
    program(tmp_path / f".pyenv/versions/{VERSION}.12/bin/python", "echo broken >&2; exit 1")
    assert same(find(f"python{VERSION}", VERSION, path=shim.parent, home=tmp_path))


def test_path(tmp_path):
    assert same(find(REAL, path=tmp_path, home=tmp_path))


def test_nothing_usable_says_what_to_do(tmp_path):
    wrong = program(tmp_path / "bin" / "python3.99", f'exec "{REAL}" "$@"')
    done = find("python3.99", "3.99", path=tmp_path / "bin", home=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "No usable CPython 3.99 found as 'python3.99'." in done.stderr
    assert f"  {wrong}: {REAL}: version {VERSION}" in done.stderr
    assert "make PYTHON=/path/to/python" in done.stderr


def test_other_version_is_refused(tmp_path):
    done = find(REAL, "3.99", path=tmp_path, home=tmp_path)
    assert done.returncode == 1
    assert f"version {VERSION}" in done.stderr

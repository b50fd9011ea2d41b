"""A wheel has the whole package, its extension module, and works; an sdist has the sources."""

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
MODULE = "mgeconvert/_native.so"
IN_CHECKOUT = "mgeconvert/_native" + sysconfig.get_config_var("EXT_SUFFIX")

pytestmark = pytest.mark.slow


def run(code, *arguments, cwd):
    """Run `code` in a Python that does not see this checkout."""
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=280)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of the sources, in which an old extension module lies beside them."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", ".gitignore", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("mgeconvert", "native", ".ci"):
        shutil.copytree(ROOT / name, source / name)
    compiled = source / "mgeconvert/__pycache__/native.cpython-310.pyc"
    compiled.parent.mkdir(exist_ok=True)
    compiled.write_bytes(b"of an earlier import")
    (source / ".venv/bin").mkdir(parents=True)
    (source / ".venv/bin/mgeconvert").write_text("of an environment")
    (source / IN_CHECKOUT).write_bytes(b"of an earlier build")
    return source


@pytest.fixture(scope="module")
def wheel(source):
    build = "import sys, scikit_build_core.build as b; print(b.build_wheel(sys.argv[1]))"
    return source / "dist" / run(build, source / "dist", cwd=source)


def test_has_all_files(wheel, source):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        assert archive.read(MODULE)[:4] == b"\x7fELF"
    files = {
        str(path.relative_to(source))
        for path in (source / "mgeconvert").rglob("*")
        if path.is_file() and path.suffix not in (".pyc", ".so")
    }
    others = {name for name in names if ".dist-info/" not in name}
    assert others == files | {MODULE}
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_source_distribution_has_the_sources_only(source):
    build = "import sys, scikit_build_core.build as b; print(b.build_sdist(sys.argv[1]))"
    with tarfile.open(source / "dist" / run(build, source / "dist", cwd=source)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    files = {
        str(path.relative_to(source))
        for folder in ("mgeconvert", "native")
        for path in (source / folder).rglob("*")
        if path.is_file() and path.suffix not in (".pyc", ".so")
    }
    assert names == files | {"LICENSE", "PKG-INFO", "pyproject.toml"}


def test_works_where_it_is_unpacked(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = """
import sys
sys.path[:0] = sys.argv[1:]
import mgeconvert.native as native
from mgeconvert.native.extension import _native
assert _native.__file__.startswith(sys.argv[1]), _native.__file__
print(native.difference([1, 2], [1, 4], rtol=0, atol=0).max_abs)
"""
    assert run(code, tmp_path, Path(np.__file__).parents[1], cwd=tmp_path) == "2.0"

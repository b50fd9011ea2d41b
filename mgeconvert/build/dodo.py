"""What a dodo.py needs: the build with errors in doit's form, and doit's configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from doit.exceptions import InvalidDodoFile

from mgeconvert.build.engine import OUR_SEAMS, Seams
from mgeconvert.build.plan import Build
from mgeconvert.build.state import FOLDER
from mgeconvert.errors import ConversionFailed


def open_build(manifest: Path, *, seams: Seams = OUR_SEAMS) -> Build:
    """Return the build of the manifest; a wrong one is an error in the dodo file."""
    try:
        return Build(manifest, seams=seams)
    except ConversionFailed as failed:
        raise InvalidDodoFile("\n".join(map(str, failed.problems))) from failed


def configuration(build: Build) -> dict[str, Any]:
    """Return DOIT_CONFIG: `doit` alone does everything."""
    folder = build.path.parent / FOLDER
    folder.mkdir(exist_ok=True)
    return {
        "build": build,
        "default_tasks": ["convert"],
        "backend": "sqlite3",
        "dep_file": str(folder / "doit.db"),
    }

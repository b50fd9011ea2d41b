"""Sources that a script makes: done by content as well, and kept in the store."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from doit.exceptions import TaskFailed

from mgeconvert.build.hashing import CHUNK, sha256_data
from mgeconvert.build.keys import KEY_VERSION
from mgeconvert.build.plan import Build


@dataclass(frozen=True)
class Recipe:
    """How the source at `path` is made: by `script NAME --output FILE`.

    code: the files, besides the script, that the result depends on
    libraries: the distributions whose versions it depends on
    """

    name: str
    path: Path
    script: Path
    code: tuple[Path, ...]
    libraries: tuple[str, ...]


def recipes(
    build: Build,
    *,
    folder: Path,
    script: Path,
    code: Sequence[Path] = (),
    libraries: Sequence[str] = (),
) -> tuple[Recipe, ...]:
    """Return a recipe for each source of an enabled job that lies in `folder`."""
    paths = dict.fromkeys(Path(job.source) for job in build.enabled)
    return tuple(
        Recipe(path.stem, path, script, tuple(code), tuple(libraries))
        for path in paths
        if path.parent == folder
    )


def making_tasks(build: Build, found: Sequence[Recipe]) -> Iterator[dict[str, Any]]:
    """Yield the tasks `models:NAME`."""
    yield {"basename": "models", "name": None, "doc": "make the models that are not committed"}
    for recipe in found:
        yield {
            "basename": "models",
            "name": recipe.name,
            "doc": f"make {recipe.path.name}",
            "actions": [(_make, [build, recipe])],
            "uptodate": [(_is_made, [build, recipe])],
        }


def makers(found: Sequence[Recipe]) -> Mapping[str, str]:
    """Return the tasks that make sources, by the path of the source."""
    return {str(recipe.path): f"models:{recipe.name}" for recipe in found}


def _is_made(build: Build, recipe: Recipe) -> bool:
    record = build.engine.store.record(_key(build, recipe))
    made = build.engine.state.hashes.maybe(recipe.path)
    return record is not None and record.get("sha256") == made


def _make(build: Build, recipe: Recipe) -> TaskFailed | None:
    key, store = _key(build, recipe), build.engine.store
    with store.lock(key):
        recipe.path.parent.mkdir(parents=True, exist_ok=True)
        partial = recipe.path.with_name(f".{recipe.path.stem}-{os.getpid()}{recipe.path.suffix}")
        try:
            record = store.record(key)
            if not record or not store.fetch(record["sha256"], partial):
                made = _run(recipe, partial)
                if made.returncode:
                    return TaskFailed(f"{recipe.script.name} failed:\n{made.stdout}")
                sha256, size = store.put(_chunks(partial))
                store.put_record(key, {"kind": "source", "sha256": sha256, "size": size})
            os.replace(partial, recipe.path)
        finally:
            partial.unlink(missing_ok=True)
    return None


def _run(recipe: Recipe, output: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(recipe.script), recipe.name, "--output", str(output)]
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def _chunks(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _key(build: Build, recipe: Recipe) -> str:
    hashes = build.engine.state.hashes
    return sha256_data(
        {
            "version": KEY_VERSION,
            "kind": "source",
            "name": recipe.name,
            "code": [[path.name, hashes.of(path)] for path in (recipe.script, *recipe.code)],
            "libraries": [[name, _version(name)] for name in recipe.libraries],
        }
    )


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"

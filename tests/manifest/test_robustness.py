"""Whatever a manifest says, loading it ends in jobs or in faults, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgeconvert.errors import ConversionFailed, ManifestError
from mgeconvert.manifest import Job, load, plan
from mgeconvert.manifest.keys import Table, Tables, keys
from mgeconvert.manifest.options import OPTIONS
from mgeconvert.manifest.schema import Defaults, Document, Model, Target
from tests.manifest.test_loading import ALL_KEYS

pytestmark = [pytest.mark.core, pytest.mark.slow]

VALUES = st.one_of(
    st.booleans(),
    st.integers(-1, 30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["onnx", "caffe", "fail", "pass", "auto", "top1", "a.tm", "*.tm", "..", "/", ""]
    ),
    st.lists(st.integers(-1, 9) | st.sampled_from(["N", "a.tm", "*"]), max_size=3),
    st.just({}),
)
NAMES = st.sampled_from(["m", "onnx", "caffe", "x", "{stem}", "M", "con", "a/b"])


def tables(of: type) -> st.SearchStrategy[dict[str, Any]]:
    """Tables with some of the right keys, right or wrong values, and a wrong key now and then."""
    kinds = {key.name: key.kind for key in keys(of)}
    if of in (Target, Defaults):
        kinds |= {key.name: key.kind for table in OPTIONS.values() for key in keys(table)}
    if of is Defaults:
        kinds |= {key.name: key.kind for table in (Target, Model) for key in keys(table)}
    kinds["format" if of is Defaults else "unknown"] = next(iter(kinds.values()), None)
    return st.fixed_dictionaries({}, optional={name: values(kind) for name, kind in kinds.items()})


def values(kind: object) -> st.SearchStrategy[Any]:
    if isinstance(kind, Table):
        return st.deferred(lambda: tables(kind.of)) | VALUES
    if isinstance(kind, Tables):
        inner = st.deferred(lambda: tables(kind.of))
        return st.dictionaries(NAMES, inner | VALUES, max_size=2)
    return VALUES


def spell(value: Any) -> str:
    """Return a value as TOML, tables inline."""
    if isinstance(value, dict):
        inner = ", ".join(f"{json.dumps(key)} = {spell(item)}" for key, item in value.items())
        return f"{{ {inner} }}"
    return f"[{', '.join(map(spell, value))}]" if isinstance(value, list) else json.dumps(value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("manifests")
    (found / "a.tm").touch()
    return found


def judge(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        jobs = plan(load(path))
    except ConversionFailed as failed:
        assert failed.problems
        for problem in failed.problems:
            assert isinstance(problem, ManifestError)
            assert problem.at is not None
            assert problem.at.path.startswith(str(path.parent))
    else:
        for job in jobs:
            assert Job.from_dict(json.loads(json.dumps(job.as_dict()))) == job
            assert job.format == "onnx" or not job.enabled


@given(table=tables(Document))
@settings(max_examples=300)
def test_tables_of_the_right_shape(folder: Path, table: dict[str, Any]) -> None:
    lines = {"format": "1", **{name: spell(value) for name, value in table.items()}}
    text = "".join(f"{name} = {value}\n" for name, value in lines.items())
    judge(folder / "models.toml", text.encode())


@given(st.data())
@settings(max_examples=200)
def test_damaged_text(folder: Path, data: st.DataObject) -> None:
    content = bytearray(ALL_KEYS.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        size = data.draw(st.integers(0, 8))
        content[at : at + size] = data.draw(
            st.binary(max_size=4) | st.sampled_from([b"[", b'"', b"\n"])
        )
    judge(folder / "models.toml", bytes(content))

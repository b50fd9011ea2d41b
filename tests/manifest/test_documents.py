"""The generated documents: up to date, complete, and right in their examples."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from mgeconvert.manifest import document
from mgeconvert.manifest.checks import CHECK_DEFAULTS, CheckSettings
from mgeconvert.manifest.json_schema import json_schema
from mgeconvert.manifest.keys import keys
from mgeconvert.manifest.options import ENDINGS, FORMATS, OPTIONS, OnnxOptions, QuantizationKeys
from mgeconvert.manifest.schema import (
    Document,
    InputSpec,
    Limits,
    Model,
    Target,
)
from tests.manifest.writing import jobs

pytestmark = pytest.mark.core

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "manifest.md").read_text(encoding="utf-8")
TABLES = [
    Document,
    Model,
    InputSpec,
    Target,
    CheckSettings,
    Limits,
    OnnxOptions,
    QuantizationKeys,
]


def test_the_guide_is_what_the_schema_says() -> None:
    assert document.render_guide(GUIDE) == GUIDE


def test_the_json_schema_is_what_the_schema_says() -> None:
    assert (DOCS / "manifest.schema.json").read_text(encoding="utf-8") == document.render_schema()


def test_writing_the_documents_again_changes_nothing(tmp_path: Path) -> None:
    stale = document.MARK.sub(r"\1old\n\3", GUIDE)
    assert stale != GUIDE
    (tmp_path / "manifest.md").write_text(stale, encoding="utf-8")
    document.main(tmp_path)
    for name in ("manifest.md", "manifest.schema.json"):
        assert (tmp_path / name).read_bytes() == (DOCS / name).read_bytes()


@pytest.mark.parametrize("table", TABLES)
def test_every_key_is_in_the_guide(table: type) -> None:
    for key in keys(table):
        assert f"`{key.name}`" in GUIDE


def test_the_guide_has_every_generated_part() -> None:
    names = {match[2] for match in document.MARK.finditer(GUIDE)}
    assert names == {name for name, _ in document._parts()}


def test_the_example_of_the_guide_is_a_right_manifest(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    assert example is not None
    (tmp_path / "zoo").mkdir()
    (tmp_path / "zoo" / "unet.tm").touch()
    assert list(jobs(tmp_path, example[1])) == [
        "resnet18:onnx",
        "resnet18:onnx-17",
        "resnet18:caffe",
        "zoo-unet:onnx",
    ]


@pytest.mark.parametrize("table", TABLES)
def test_every_key_is_documented_and_every_field_is_a_key_or_computed(table: type) -> None:
    computed = {
        Model: {"name"},
        InputSpec: {"name"},
        Target: {"name", "options", "output", "stem"},
        QuantizationKeys: {"calibration_files"},
    }
    assert {item.name for item in fields(table)} - {key.name for key in keys(table)} == (
        computed.get(table, set())
    )
    for key in keys(table):
        assert key.doc.endswith(".")
        assert key.default


def test_the_defaults_of_keys_are_values_that_the_keys_accept() -> None:
    for table in TABLES:
        kinds = {key.name: key.kind for key in keys(table)}
        for item in fields(table):
            if isinstance(item.default, bool | int | float | str) and item.default != "":
                assert kinds[item.name].accepts(item.default), item.name  # type: ignore[union-attr]


def test_every_format_has_its_tables() -> None:
    assert set(OPTIONS) == set(FORMATS)
    assert set(CHECK_DEFAULTS) == set(ENDINGS) <= set(FORMATS)
    for base in CHECK_DEFAULTS.values():
        assert 0 <= base.atol <= base.rtol < 0.1
        assert 0 < (base.atol or base.rtol_max or 0) < 1e-3


def test_the_json_schema_has_no_key_without_effect() -> None:
    model = json_schema()["properties"]["models"]["additionalProperties"]
    assert "source" in model["properties"]
    assert "plugin" not in model["properties"]
    assert "params" in model["properties"]["quantization"]["properties"]

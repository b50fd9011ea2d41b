"""The JSON Schema accepts what loading accepts, and refuses what single tables show to be wrong."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest
import tomli

from mgeconvert.manifest import load
from mgeconvert.manifest.json_schema import json_schema
from tests.manifest.test_faults import TABLE
from tests.manifest.test_loading import ALL_KEYS
from tests.manifest.writing import GOOD, HEAD, write

VALIDATOR = jsonschema.Draft202012Validator(json_schema())
ROOT = Path(__file__).parents[2]

# What several keys or the file system decide is not for an editor to see.
ONLY_LOADING_SEES = re.compile(
    r"it needs|it has no|calibration and|the format|.* is no format|targets of format"
    r"|the key .source. is missing|.* is no safe file name|a glob or a list needs"
    r"|no file matches|one hash cannot"
    r"|.* leaves|m:|a range has no effect|expected the lower"
)

# JSON has no nan and no infinity, and 1.0 is an integer there; jsonschema prints what it refuses,
# which a huge number does not allow.
BEYOND_JSON = re.compile(r"= (?:nan|inf|1\.0|0x)")
ROWS = [(row[0], row[3]) for row in TABLE if not BEYOND_JSON.search(row[0])]


def test_the_schema_itself_is_right() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("text", [GOOD, ALL_KEYS, "format = 1", "format = 1\ninclude = ['a']"])
def test_what_is_right(text: str) -> None:
    VALIDATOR.validate(tomli.loads(text))


def test_the_example_of_the_guide() -> None:
    guide = (ROOT / "docs" / "manifest.md").read_text(encoding="utf-8")
    example = re.search(r"```toml\n(.*?)```", guide, re.DOTALL)
    assert example is not None
    VALIDATOR.validate(tomli.loads(example[1]))


@pytest.mark.parametrize("text", ["", "format = 2", "format = true", "format = '1'"])
def test_the_version_of_the_format(text: str) -> None:
    assert not VALIDATOR.is_valid(tomli.loads(text))


@pytest.mark.parametrize(("text", "problem"), ROWS)
def test_what_is_wrong(text: str, problem: str) -> None:
    """The rows of the table of faults: refused here too, but for what only loading can see."""
    data = tomli.loads(HEAD + text)
    foreign_key = "targets.caffe]" in text and problem == "unknown key"
    assert VALIDATOR.is_valid(data) == (foreign_key or ONLY_LOADING_SEES.match(problem) is not None)


def test_loading_accepts_what_the_schema_is_shown(tmp_path: Path) -> None:
    for text in (GOOD, ALL_KEYS):
        load(write(tmp_path, text))

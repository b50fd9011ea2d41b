"""Every family builds and traces; its file computes what the module computes, at any batch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.zoo import FAMILIES, feeds
from tests.zoo.child import run, write_traced

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
FEW = ("residual-basic", "yolo", "bert", "lstm", "memory")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `tests.zoo.reload` writes the files of all families."""
    return tmp_path_factory.mktemp("reloaded")


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, Any]:
    """What `tests.zoo.reload` found, by family."""
    return json.loads(run("tests.zoo.reload", str(folder), hash_seed="1"))


@pytest.mark.parametrize("name", FAMILIES)
def test_file_computes_what_the_module_computes(name: str, found: dict[str, Any]) -> None:
    family = FAMILIES[name]
    assert found[name]["inputs"] == [port.name for port in family.inputs]
    for batch in family.batches:
        case = found[name]["runs"][str(batch)]
        assert case["same_types"], (batch, case)
        assert case["equal"], (batch, case)


@pytest.mark.parametrize("name", FAMILIES)
def test_outputs_are_worth_comparing(name: str, found: dict[str, Any]) -> None:
    """A constant or an exploding output would hide errors of a converter."""
    for case in found[name]["runs"].values():
        assert case["finite"]
        assert case["largest"] < 1e4
    last = found[name]["runs"][str(FAMILIES[name].batches[-1])]
    assert last["spread"] > 1e-3


@pytest.mark.parametrize("name", FAMILIES)
def test_batch_is_not_baked_in(name: str, found: dict[str, Any]) -> None:
    first, second = (found[name]["runs"][str(batch)]["shapes"] for batch in FAMILIES[name].batches)
    assert all(a != b for a, b in zip(first, second))


@pytest.mark.usefixtures("found")
def test_bytes_depend_on_nothing_but_the_family(folder: Path, tmp_path: Path) -> None:
    again = write_traced(tmp_path, *reversed(FEW), hash_seed="2")
    assert sorted(again) == sorted(FEW)
    for name, path in again.items():
        assert path.read_bytes() == (folder / path.name).read_bytes(), name


def test_inventory_is_current(found: dict[str, Any]) -> None:
    """The list that the traced frontend is held to; rewrite it with tests.zoo.inventory."""
    used = sorted({what for family in found.values() for what in family["uses"]})
    assert used == (HERE / "inventory.txt").read_text().splitlines()


def test_feeds_keep_their_range_and_type() -> None:
    for name, family in FAMILIES.items():
        for batch in (None, 3):
            given = feeds(name, batch)
            assert list(given) == [port.name for port in family.inputs]
            for port in family.inputs:
                array = given[port.name]
                assert array.dtype == np.dtype(port.dtype)
                assert array.shape[family.batch_axis] == (batch or port.shape[family.batch_axis])
                assert port.range[0] <= array.min() and array.max() <= port.range[1]
    assert np.array_equal(feeds("vit")["data"], feeds("vit")["data"])

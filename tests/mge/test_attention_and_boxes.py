"""What dumps hold as one operator and the IR in parts: attention, and the boxes that are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

mge = pytest.importorskip("megengine", reason="the reference")

import megengine.module as M  # noqa: E402
from megengine.core._imperative_rt.core2 import apply  # noqa: E402
from megengine.core.ops import builtin  # noqa: E402

from mgeconvert.errors import ConversionFailed  # noqa: E402
from tests.quant.dumped import computed, dump, interpreted, read  # noqa: E402

RANDOM = np.random.RandomState(0)


def values(*shape: int) -> np.ndarray:
    return RANDOM.randn(*shape).astype(np.float32)


Q, K = values(3, 5, 8), values(3, 7, 8)
MASKS = {
    "none": (),
    "attn_mask": (values(5, 7),),
    "attn_mask by head": (values(6, 5, 7),),
    "key_padding_mask": (values(3, 7),),
}


@pytest.mark.parametrize("form", ["FBS_V2", "FBS"])
@pytest.mark.parametrize("result", [0, 1])
@pytest.mark.parametrize("name", MASKS)
def test_attention(name: str, result: int, form: str, tmp_path: Path) -> None:
    module = M.MultiHeadAttention(8, 2)
    for tensor in module.parameters():
        tensor[...] = values(*tensor.shape) / 3
    module.eval()

    def function(q: Any, k: Any, *mask: Any) -> Any:
        named = {name.split()[0]: mask[0]} if mask else {}
        return module(q, k, k, need_weights=True, **named)[result]

    arrays = (Q, K, *MASKS[name])
    dump(function, arrays, tmp_path / "m.mge", dump_format=form)
    want = computed(tmp_path / "m.mge", arrays)
    np.testing.assert_allclose(interpreted(read(tmp_path / "m.mge"), arrays), want, 1e-5, 1e-5)


def boxes() -> np.ndarray:
    corners = np.random.RandomState(1).uniform(0, 8, (1, 12, 2)).astype(np.float32)
    return np.concatenate([corners, corners + 3], 2)


def kept(x: Any) -> tuple[Any, Any]:
    return tuple(apply(builtin.NMSKeep(0.3, 9), x))


CUT: dict[str, Callable[[Any], Any]] = {
    "whole": lambda x: kept(x)[0],
    "other": lambda x: kept(x)[0][0][:4],
    "two": lambda x: kept(x)[0][:, :2],
}


@pytest.mark.parametrize("name", CUT)
def test_places_that_are_filled_up_are_refused(name: str, tmp_path: Path) -> None:
    dump(CUT[name], [boxes()], tmp_path / "m.mge")
    with pytest.raises(ConversionFailed, match="places of boxes that are filled up"):
        read(tmp_path / "m.mge")


def test_places_that_are_cut_to_their_number(tmp_path: Path) -> None:
    def function(x: Any) -> Any:
        places, counts = kept(x)
        return places[0][: counts[0]]

    dump(function, [boxes()], tmp_path / "m.mge")
    want = computed(tmp_path / "m.mge", [boxes()])
    assert 1 < len(want) < 12
    np.testing.assert_array_equal(interpreted(read(tmp_path / "m.mge"), [boxes()]), want)

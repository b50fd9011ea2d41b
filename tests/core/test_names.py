"""Names of outputs: one each, the same ones in the converter and in what computes references."""

from __future__ import annotations

import pytest

from mgeconvert.check.runners import megengine
from mgeconvert.frontends.names import distinct


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (("a", "b"), ("a", "b")),
        (("a", "a", "a"), ("a", "a_1", "a_2")),
        (("a", "a_1", "a"), ("a", "a_1", "a_2")),
        (("a", "a", "a_1", "a_1"), ("a", "a_2", "a_1", "a_1_1")),
    ],
)
def test_repetitions_are_numbered(names: tuple[str, ...], wanted: tuple[str, ...]) -> None:
    assert distinct(names) == wanted
    assert megengine._unique(names) == wanted

"""The table of hashed operator names, recomputed."""

import pytest

from mgeconvert.frontends.mge.operators import operator_name
from tests.mge.operator_hashes import SEED, shipped, table, xxh64

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("data", "seed", "expected"),
    [
        (b"", 0, 0xEF46DB3751D8E999),
        (b"a", 0, 0xD24EC4F1A98C6E5B),
        (b"abc", 0, 0x44BC2CF5AD770999),
        (b"Nobody inspects the spammish repetition", 0, 0xFBCEA83C8A378BF1),
    ],
)
def test_xxh64_gives_the_published_values(data, seed, expected):
    assert xxh64(data, seed) == expected


def test_the_shipped_table_is_what_the_names_hash_to():
    names = set(shipped().values())
    assert shipped() == table(names)
    assert len(shipped()) == len(names) > 180


def test_a_known_hash_is_named_and_another_is_shown_in_hexadecimal():
    assert operator_name(xxh64(b"ReduceV2\0", SEED)) == "ReduceV2"
    assert operator_name(0x1234) == "#0000000000001234"

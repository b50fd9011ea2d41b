"""Dumps that are read, and hold what no model does: an error that says so, or a graph."""

import random
from pathlib import Path

import pytest

from mgeconvert import frontends
from mgeconvert.errors import ConversionFailed, ConvertError
from tests.mge.test_damaged import mutate

DUMPS = Path(__file__).parent / "dumps"
# By file: changes that leave operators without operands, and outputs that nothing computes.
DAMAGES = [
    ("qat.v2", 465, "fake_quant"),
    ("qat.v2", 470, "operands"),
    ("qat.v2", 1928, "the mode"),
    ("residual.v2-hwcd4", 1889, "with 0 operands"),
    ("lstm.v1-bare", 88, "no operator computes the variable"),
    ("lstm.v1-bare", 1611, "with 0 operands"),
]


@pytest.mark.parametrize(("name", "seed", "said"), DAMAGES)
def test_operators_without_their_operands(tmp_path, name, seed, said):
    with pytest.raises((ConvertError, ConversionFailed), match=said):
        _lift(tmp_path, name, seed)


@pytest.mark.parametrize("name", ["qat.v2", "residual.v2-hwcd4", "quantized.v2"])
def test_mutated_files_that_are_read(tmp_path, name):
    lifted = 0
    for seed in random.Random(name).sample(range(100_000), 150):
        try:
            _lift(tmp_path, name, seed)
            lifted += 1
        except (ConvertError, ConversionFailed):
            continue
    assert lifted


def _lift(folder, name, seed):
    path = folder / "damaged.mge"
    path.write_bytes(mutate((DUMPS / f"{name}.mge").read_bytes(), seed))
    frontends.read(path, shapes={}, outputs=())

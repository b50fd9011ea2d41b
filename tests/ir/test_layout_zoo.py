"""How many transpositions the families of the zoo keep where images want their channels last."""

from __future__ import annotations

import numpy as np
import pytest

from mgeconvert.ir import Graph, evaluate
from mgeconvert.ir.passes import drop_dead, fold_batch_norm, remove_identities, run_passes
from mgeconvert.ir.passes.layout import (
    count_transposes,
    move_to_ports,
    permute_weights_after_flatten,
    permute_weights_before_unflatten,
    settle_transposes,
)
from tests.ir.layout_stand_ins import legalized, moved_elements, to_last, transposes
from tests.zoo import FAMILIES, feeds
from tests.zoo.test_convert import graph

pytestmark = pytest.mark.slow

CLEAN = (fold_batch_norm, remove_identities, drop_dead)
SETTLE = (
    settle_transposes,
    permute_weights_after_flatten,
    permute_weights_before_unflatten,
)
RTOL, ATOL = 1e-5, 1e-6  # where sums are in another order

LEFT = {
    "shuffle": (3, 0),  # the shuffles themselves
    "vit": (8, 0),
    "mixer": (4, 0),
    "swin": (16, 0),
    "bert": (8, 0),
    "lstm": (2, 1),
    "wavenet": (0, 1),
    "two-towers": (1, 0),
    "calculator": (0, 1),
}
"""Family: inside and at ports, once images at ports have their channels last. Others have none."""


def settled(name: str, *, symbolic: bool) -> tuple[Graph, dict[str, tuple[int, ...]]]:
    """Return a family with its transpositions settled, and the ports that changed."""
    made = graph(name, symbolic=symbolic)
    run_passes(made, CLEAN)
    legalized(made)
    before = moved_elements(made) if not symbolic else 0
    run_passes(made, SETTLE)
    assert symbolic or moved_elements(made) <= before
    assert not settle_transposes.run(made)
    changed = move_to_ports(made)
    return made, changed


@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_left(name: str) -> None:
    for symbolic in (False, True):
        made, _ = settled(name, symbolic=symbolic)
        counts = count_transposes(made)
        assert (counts.inside, counts.at_ports) == LEFT.get(name, (0, 0))


@pytest.mark.parametrize("name", FAMILIES)
def test_numbers_stay(name: str) -> None:
    source = graph(name, symbolic=False)
    run_passes(source, CLEAN)
    want = evaluate(source, feeds(name))
    made, changed = settled(name, symbolic=False)
    given = {port: x.transpose(changed.get(port, range(x.ndim))) for port, x in feeds(name).items()}
    for port, got in evaluate(made, given).items():
        expected = want[port].transpose(changed.get(port, range(want[port].ndim)))
        scale = max(float(np.abs(expected).max()), 1.0) if expected.size else 1.0
        np.testing.assert_allclose(got, expected, rtol=RTOL, atol=ATOL * scale)
    assert all(perm == to_last(len(perm)) for perm in changed.values())


def test_only_these_networks_keep_any() -> None:
    """Plain networks of convolutions have none; what is left is the networks' own."""
    for name, (inside, ports) in LEFT.items():
        own = graph(name, symbolic=False)
        run_passes(own, CLEAN)
        assert inside + ports <= len(transposes(own)) + 1

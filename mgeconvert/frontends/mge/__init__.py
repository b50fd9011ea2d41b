"""MegEngine's graph dumps (`.mge`), read without MegEngine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mgeconvert.frontends import Watch, unwatched
from mgeconvert.frontends.mge.decode import EXPECTED
from mgeconvert.frontends.mge.lift import lift
from mgeconvert.frontends.mge.read import read
from mgeconvert.ir import Array, Graph

__all__ = ["Sample", "lift", "read", "read_graph", "samples"]


@dataclass(frozen=True)
class Sample:
    """Test data of a dump: the inputs, and what the outputs of these names must be."""

    inputs: Mapping[str, Array]
    expected: Mapping[str, Array]


def read_graph(
    path: Path,
    *,
    shapes: Mapping[str, Sequence[int | str]],
    outputs: Sequence[str],
    watch: Watch = unwatched,
) -> Graph:
    """Return the IR of the `.mge` file at `path`; see `mgeconvert.frontends.read`."""
    return lift(read(path), shapes=shapes, outputs=outputs, watch=watch)


def samples(path: Path) -> tuple[Sample, ...]:
    """Return the test data of a file that was dumped with `input_data`; none for others.

    Raises:
        UnreadableSource: as `read`.
    """
    return tuple(
        Sample(
            {name: array for name, array in data.items() if not name.endswith(EXPECTED)},
            {
                name.removesuffix(EXPECTED): array
                for name, array in data.items()
                if name.endswith(EXPECTED)
            },
        )
        for data in read(path).test_data
    )

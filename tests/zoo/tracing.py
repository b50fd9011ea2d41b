"""Inputs for the families, and their traced files; only `trace` imports MegEngine."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.zoo.family import Family
from tests.zoo.table import FAMILIES

if TYPE_CHECKING:
    from megengine.traced_module import TracedModule


def feeds(name: str, batch: int | None = None) -> dict[str, np.ndarray]:
    """Return seeded arrays for the inputs of a family, at its own batch size or at `batch`."""
    return arrays(FAMILIES[name], batch)


def arrays(family: Family, batch: int | None = None) -> dict[str, np.ndarray]:
    """Return seeded arrays for the inputs of `family`."""
    random = np.random.RandomState(family.seed)
    result = {}
    for port in family.inputs:
        shape = list(port.shape)
        if batch is not None:
            shape[family.batch_axis] = batch
        low, high = port.range
        values = low + (high - low) * random.random_sample(tuple(shape))
        result[port.name] = values.astype(port.dtype)
    return result


def trace(name: str, path: str | Path) -> None:
    """Build the family `name`, trace it and write the `.tm` at `path`."""
    save(trace_family(FAMILIES[name]), path)


def trace_family(family: Family) -> TracedModule:
    """Return the traced module of `family`, its inputs named as the family names them."""
    import megengine
    from megengine.traced_module import trace_module

    inputs = [megengine.Tensor(x) for x in arrays(family).values()]
    traced = trace_module(family.build(), *inputs)
    for node, port in zip(traced.graph.inputs[1:], family.inputs):
        if node.name != port.name:  # MegEngine refuses to give a node the name it has
            node.name = port.name
    return traced


def save(traced: TracedModule, path: str | Path) -> None:
    """Write `traced` so that a file at `path` is always a whole one."""
    import megengine

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        try:
            megengine.save(traced, file)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).chmod(0o644)
            os.replace(file.name, path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise

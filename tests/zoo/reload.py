"""Trace every family, load the file again, compare it with the module: JSON for the tests.

`python -m tests.zoo.reload FOLDER` writes the files into FOLDER and prints what was found.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import megengine
import numpy as np

from tests.zoo.inventory import uses
from tests.zoo.table import FAMILIES
from tests.zoo.tracing import arrays, save, trace_family


def flatten(result: Any) -> Iterator[np.ndarray]:
    """Yield the arrays of a nested result in order, those of a dictionary by its sorted keys."""
    if isinstance(result, megengine.Tensor):
        yield result.numpy()
        return
    if isinstance(result, dict):
        result = [result[key] for key in sorted(result)]
    for part in result:
        yield from flatten(part)


def compare(want: list[np.ndarray], got: list[np.ndarray]) -> dict[str, Any]:
    """Return what the tests need to know of two lists of outputs."""
    spreads = [float(np.std(x.astype(np.float64))) for x in want if x.size > 1]
    return {
        "shapes": [list(x.shape) for x in want],
        "same_types": [(x.shape, x.dtype) for x in want] == [(y.shape, y.dtype) for y in got],
        "equal": all(np.array_equal(x, y) for x, y in zip(want, got)),
        "finite": all(bool(np.isfinite(x).all()) for x in want),
        "largest": max(float(np.abs(x).max()) for x in want),
        "spread": min(spreads, default=0.0),
    }


def check(name: str, folder: Path) -> dict[str, Any]:
    """Return the comparison at each batch size, and what the file uses."""
    family = FAMILIES[name]
    path = folder / f"{name}.tm"
    save(trace_family(family), path)
    traced, module = megengine.load(str(path)), family.build()
    runs = {}
    for batch in family.batches:
        inputs = [megengine.Tensor(x) for x in arrays(family, batch).values()]
        runs[batch] = compare(list(flatten(module(*inputs))), list(flatten(traced(*inputs))))
    return {
        "inputs": [node.name for node in traced.graph.inputs[1:]],
        "runs": runs,
        "uses": sorted({what for what, _ in uses(traced)}),
    }


if __name__ == "__main__":
    print(json.dumps({name: check(name, Path(sys.argv[1])) for name in FAMILIES}))
